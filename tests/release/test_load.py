"""A release loads as it was written: through load_release and through plain load_dataset, offline."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from polyrefuse_data.errors import ConfigError, ReleaseError
from polyrefuse_data.release import load_release, release_info, write_release
from tests.cases import quick

from .conftest import make_rows, make_workspace


def plain_load(*args, cache):
    loaded = datasets.load_dataset(*map(str, args), cache_dir=str(cache))
    assert next(iter(loaded.values())).features["label"].names == ["harmful", "harmless"]
    return {split: data.to_list() for split, data in loaded.items()}


def test_the_rooms_door_loads_nothing_heavy():
    code = (
        "import sys, polyrefuse_data.release; sys.exit(any(m in sys.modules for m in ('datasets', 'pyarrow', 'torch')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_plain_load_dataset_gives_the_same_rows(release, tmp_path):
    ours = {split: data.to_list() for split, data in load_release(release).items()}
    assert [len(rows) for rows in ours.values()] == [24, 24, 24]
    assert plain_load(release, cache=tmp_path / "cache") == ours
    german = {split: [row for row in rows if row["language"] == "de"] for split, rows in ours.items()}
    assert plain_load(release, "de", cache=tmp_path / "cache") == german


def test_empty_splits_and_languages_do_not_break_loading(tmp_path):
    rows = [
        row for row in make_rows() if (row["language"], row["split"]) != ("de", "test") and row["split"] != "validation"
    ]
    for row in rows:
        row["status"] = "rejected" if row["language"] == "yo" else "accepted"
    release = write_release(make_workspace(tmp_path / "ws", rows), version="1.0.0", out=tmp_path / "rel")
    ours = load_release(release)
    assert {split: len(data) for split, data in ours.items()} == {"train": 16, "validation": 0, "test": 8}
    plain = plain_load(release, cache=tmp_path / "cache")
    assert plain == {split: data.to_list() for split, data in ours.items() if len(data)}
    assert set(plain_load(release, "de", cache=tmp_path / "cache")) == {"train"}
    rejected = plain_load(release, "rejected", cache=tmp_path / "cache")["rejected"]
    assert {row["language"] for row in rejected} == {"yo"}
    assert release_info(release)["counts"]["de"]["missing"] == {"test": {"harmful": 4, "harmless": 4}}


def test_languages_can_be_chosen(release):
    chosen = load_release(release, languages=["yo"])
    assert {row["language"] for split in chosen.values() for row in split} == {"yo"}
    assert [len(split) for split in chosen.values()] == [8, 8, 8]
    with pytest.raises(ReleaseError, match="has no fr"):
        load_release(release, languages=["fr"])


@pytest.mark.parametrize("named", ["yo", "yor_Latn", ("yo",), iter(["yo"])])
def test_a_language_is_named_as_people_do(release, named):
    chosen = load_release(release, languages=named)
    assert {row["language"] for split in chosen.values() for row in split} == {"yo"}


def test_languages_in_one_text(release):
    chosen = load_release(release, languages="de, yo")
    assert {row["language"] for split in chosen.values() for row in split} == {"de", "yo"}
    with pytest.raises(ConfigError, match=r"unknown language 'german': did you mean de \(German\)"):
        load_release(release, languages="german")
    with pytest.raises(ConfigError, match="no language given"):
        load_release(release, languages="")


def test_what_is_loaded_is_a_whole_dataset(release):
    """Filtered, mapped and told apart by its fingerprint like any other."""
    one, other = load_release(release)["test"], load_release(release, languages=["de"])["test"]
    assert one._fingerprint != other._fingerprint
    assert one.filter(lambda row: row["language"] == "de").map(lambda row: {"n": len(row["text"])})["n"][0] > 0


def test_other_rows_than_the_manifests_are_not_loaded(release):
    """The file's hash in the manifest is made to fit; the content hash still tells."""
    from polyrefuse_data.release.manifest import read_manifest
    from polyrefuse_data.release.writer import file_entry

    path = release / "data/de/harmful-test.parquet"
    path.write_bytes((release / "data/yo/harmful-test.parquet").read_bytes())
    with pytest.raises(ReleaseError, match=r"data/de/harmful-test\.parquet is not the file"):
        load_release(release)
    manifest = read_manifest(release)
    forged = manifest.model_copy(update={"files": manifest.files | {"data/de/harmful-test.parquet": file_entry(path)}})
    (release / "manifest.json").write_bytes(forged.sealed().to_bytes())
    with pytest.raises(ReleaseError, match="content_sha256 differs"):
        load_release(release)


def test_a_missing_file_is_named(release):
    (release / "data/de/harmful-test.parquet").unlink()
    with pytest.raises(ReleaseError, match=r"data/de/harmful-test\.parquet cannot be read"):
        load_release(release)


@pytest.mark.parametrize("version", quick(["1.0.0"], ["1.0.1"]))
def test_a_rewritten_folder_is_not_served_from_the_cache(release, tmp_path, version):
    import shutil

    plain_load(release, cache=tmp_path / "cache")
    shutil.rmtree(release)
    rows = make_rows()
    rows[0]["text"] = "changed"
    write_release(make_workspace(tmp_path / "ws", rows), version=version, out=release)
    texts = [row["text"] for row in plain_load(release, cache=tmp_path / "cache")["train"]]
    assert "changed" in texts


def test_streaming_gives_the_same_rows_in_the_same_order(release):
    streamed, loaded = (
        load_release(release, languages="de,yo", streaming=True),
        load_release(release, languages="de,yo"),
    )
    assert list(streamed) == list(loaded)
    for split in loaded:
        assert streamed[split].features == loaded[split].features
        assert list(streamed[split]) == list(loaded[split])
    assert [row["text"] for row in streamed["test"].take(2)] == loaded["test"]["text"][:2]


def test_streaming_reads_a_file_when_its_rows_are_asked_for_and_not_before(release, monkeypatch):
    """So memory is that of the rows at hand; a file that was changed is an error when it is its turn."""
    opened, original = [], pq.ParquetFile

    def spy(source, *args, **kwargs):
        opened.append(str(source))
        return original(source, *args, **kwargs)

    monkeypatch.setattr(pq, "ParquetFile", spy)
    damaged = release / "data/de/harmless-test.parquet"
    damaged.write_bytes(damaged.read_bytes() + b"x")
    stream = load_release(release, languages="de", streaming=True)
    rows = iter(stream["test"])
    assert not opened
    first = [next(rows)["expected"] for _ in range(4)]
    assert first == ["refuse"] * 4 and len(opened) == 1
    with pytest.raises(ReleaseError, match=r"harmless-test\.parquet is not the file in manifest\.json"):
        next(rows)
    assert len(opened) == 1


def test_an_old_release_streams_too(tmp_path):
    """Of the first layout: `expected` is added."""
    with zipfile.ZipFile(Path(__file__).parent / "first_layout.zip") as packed:
        packed.extractall(tmp_path)
    (manifest,) = tmp_path.rglob("manifest.json")
    streamed = load_release(manifest.parent, streaming=True)
    assert {row["expected"] for split in streamed.values() for row in split} <= {"refuse", "comply"}
    assert sum(1 for split in streamed.values() for _ in split) == sum(
        len(split) for split in load_release(manifest.parent).values()
    )


@pytest.mark.slow
def test_the_measurement_of_large_releases_still_runs():
    """benchmarks/release.py on a few rows: every step, each in its own process."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "benchmarks/release.py", "--rows", "1400", "2800", "--at", "28000"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = [line.split(" | ")[0].strip("| ") for line in done.stdout.splitlines() if line.startswith("| ")]
    assert steps == ["step", "write", "verify", "diff", "load", "stream", "draw", "decide"] * 3
    assert (
        "Parquet files; the largest, data/" in done.stdout
        and "28,000 rows, extrapolated from 1,400 and 2,800" in done.stdout
    )
