"""The writer: the same bytes in any process, nothing half-written, nothing overwritten, nothing silently dropped."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Features

from polyrefuse_data.config import QualityConfig, load_config
from polyrefuse_data.errors import ConfigError, DiskError, ReleaseError
from polyrefuse_data.quality.provenance import sealed
from polyrefuse_data.release import load_release, release_info, verify_release, write_release
from polyrefuse_data.release.schema import RELEASE_SCHEMA
from polyrefuse_data.rows import COLUMNS, SCHEMA, table_from_rows
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace

from .conftest import make_rows, make_workspace

WRITE = """
import sys
from pathlib import Path
from polyrefuse_data.release import write_release
from polyrefuse_data.workspace import Workspace
write_release(Workspace(Path(sys.argv[1])), version="1.0.0", out=Path(sys.argv[2]))
"""


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_rows_give_the_same_bytes_in_another_process_place_time_zone_and_row_order(release, tmp_path):
    rows = sealed(table_from_rows(reversed(make_rows())), QualityConfig())
    write_table(rows.append_column("extra", pa.array([1.0] * rows.num_rows)), tmp_path / "other/place/rows.parquet")
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C", "COLUMNS": "20"}
    command = [sys.executable, "-c", WRITE, str(tmp_path / "other/place"), str(tmp_path / "deep/er/rel")]
    subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True)
    assert contents(tmp_path / "deep/er/rel") == contents(release)


def test_the_schema_is_the_one_that_datasets_makes_of_it(release):
    features = Features.from_arrow_schema(RELEASE_SCHEMA)
    assert features["label"] == ClassLabel(names=["harmful", "harmless"])
    assert list(features) == [*COLUMNS, "expected"]
    assert features.arrow_schema.equals(RELEASE_SCHEMA, check_metadata=False)
    written = pq.read_schema(release / "data/de/harmful-test.parquet")
    assert written.equals(RELEASE_SCHEMA) and written.metadata == RELEASE_SCHEMA.metadata


def test_content_sha256_is_what_its_definition_says(release):
    """Recomputed as docs/release.md states it, from what a user loads."""
    rows = [row for split in load_release(release).values() for row in split]
    for row in rows:
        row["label"] = ("harmful", "harmless")[row["label"]]
        assert row.pop("expected") == {"harmful": "refuse", "harmless": "comply"}[row["label"]]
    rows.sort(key=lambda row: (row["id"], row["language"]))
    canonical = json.dumps(rows, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert hashlib.sha256(canonical.encode()).hexdigest() == release_info(release)["content_sha256"]


def test_content_sha256_does_not_depend_on_how_the_files_are_written(release):
    before = release_info(release)["content_sha256"]
    from polyrefuse_data.release.content import content_sha256, merged_rows

    files = sorted((release / "data").rglob("*.parquet"))
    for file in files:
        pq.write_table(pq.read_table(file), file, compression="gzip", row_group_size=3, version="1.0")
    assert content_sha256(merged_rows(files)) == before


def test_texts_of_any_length_and_characters_come_back_as_they_were(tmp_path):
    texts = ["x" * 3_000_000, "a\0b\r\n\u2028c", "🙂‍↔️ \u202eabc", "", " \t", '"quoted", comma | pipe']
    rows = make_rows(2, ("en",))[: len(texts)]
    for row, text in zip(rows, texts, strict=True):
        row["text"] = text
    release = write_release(make_workspace(tmp_path / "ws", rows), version="1.0.0", out=tmp_path / "rel")
    assert verify_release(release) == []
    assert sorted(row["text"] for split in load_release(release).values() for row in split) == sorted(texts)


def test_every_row_is_in_data_or_in_rejected_with_its_reason(tmp_path):
    rows = make_rows()
    rows[0] |= {"status": "rejected", "flags": ["language", "length"]}
    rows[1] |= {"status": "edited"}
    release = write_release(make_workspace(tmp_path / "ws", rows), version="1.0.0", out=tmp_path / "rel")
    kept = [row for split in load_release(release).values() for row in split]
    (rejected,) = pq.read_table(release / "rejected/de.parquet").to_pylist()
    assert len(kept) + 1 == len(rows)
    assert (rejected["id"], rejected["flags"]) == (rows[0]["id"], ["language", "length"])
    assert sum(row["status"] == "edited" for row in kept) == 1
    assert {row["id"] for row in kept if not row["parallel"]} == {rows[0]["id"]}


def test_nan_scores_become_null(tmp_path):
    release = write_release(
        make_workspace(tmp_path / "ws", make_rows(chrf=math.nan)), version="1.0.0", out=tmp_path / "r"
    )
    assert load_release(release)["test"]["chrf"][0] is None
    assert verify_release(release) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"label": "unsafe"}, "column label contains"),
        ({"split": "dev"}, "column split contains"),
        ({"split": "test"}, "more than one split"),
        ({"label": "harmless"}, "more than one label"),
        ({"language": "en"}, "occurs twice"),
        ({"id": None}, "1 row has no id"),
        ({"text": None}, "has no text"),
        ({"status": "maybe"}, "column status contains"),
        ({"language": "../../elsewhere"}, "column language contains"),
        ({"language": "rejected"}, "column language contains"),
    ],
)
def test_rows_that_cannot_be_released_are_refused_and_nothing_is_left(tmp_path, change, says):
    rows = make_rows()
    rows[0] |= change
    with pytest.raises(ReleaseError, match=says):
        write_release(make_workspace(tmp_path / "ws", rows), version="1.0.0", out=tmp_path / "out/rel")
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True


def test_a_failure_on_the_way_leaves_nothing(workspace, tmp_path, monkeypatch):
    import polyrefuse_data.release.writer as writer

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "render_croissant", full)
    with pytest.raises(DiskError, match="the disk is full"):
        write_release(workspace, version="1.0.0", out=tmp_path / "out/rel")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_workspace_that_is_being_built_is_not_released(workspace, tmp_path):
    with workspace.lock(), pytest.raises(ConfigError, match="another polyrefuse process"):
        write_release(workspace, version="1.0.0", out=tmp_path / "rel")
    assert not (tmp_path / "rel").exists()


def test_nothing_accepted_is_nothing_to_release(tmp_path):
    workspace = make_workspace(tmp_path / "ws", make_rows(status="rejected"))
    with pytest.raises(ReleaseError, match="polyrefuse report"):
        write_release(workspace, version="1.0.0", out=tmp_path / "rel")


def test_an_empty_workspace_says_what_to_run(tmp_path):
    with pytest.raises(ConfigError, match="polyrefuse build"):
        write_release(Workspace(tmp_path / "ws"), version="1.0.0", out=tmp_path / "rel")


def test_an_older_schema_names_the_missing_columns(tmp_path):
    table = table_from_rows(make_rows()).drop_columns(["copy_ratio"])
    write_table(table, tmp_path / "ws/rows.parquet")
    with pytest.raises(ReleaseError, match="copy_ratio"):
        write_release(Workspace(tmp_path / "ws"), version="1.0.0", out=tmp_path / "rel")


def test_an_existing_release_is_never_overwritten(workspace, release):
    before = contents(release)
    with pytest.raises(ReleaseError, match="never overwritten"):
        write_release(workspace, version="2.0.0", out=release)
    assert contents(release) == before


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "1.0.0\n", ""])
def test_only_three_numbers_are_a_version(workspace, tmp_path, version):
    with pytest.raises(ConfigError, match=r"e\.g\. --version 1\.0\.0"):
        write_release(workspace, version=version, out=tmp_path / "rel")


def test_different_licences_need_a_stated_one(tmp_path):
    rows = make_rows()
    for row in rows:
        row["license"] = "cc-by-nc-4.0" if row["label"] == "harmless" else "mit"
    workspace = make_workspace(tmp_path / "ws", rows)
    with pytest.raises(ReleaseError, match=r"cc-by-nc-4\.0, mit.*\[release\]"):
        write_release(workspace, version="1.0.0", out=tmp_path / "rel")
    workspace.config.write_text('[release]\nlicense = "cc-by-nc-4.0"\n')
    release = write_release(workspace, version="1.0.0", out=tmp_path / "rel")
    assert release_info(release)["license"] == "cc-by-nc-4.0"
    assert load_config(workspace.config).release.license == "cc-by-nc-4.0"


def test_large_string_and_dictionary_columns_are_taken(tmp_path):
    table = table_from_rows(make_rows())
    table = table.set_column(4, "text", table["text"].cast(pa.large_string()))
    table = table.set_column(1, "language", table["language"].dictionary_encode())
    assert table.schema != SCHEMA
    write_table(sealed(table, QualityConfig()), tmp_path / "ws/rows.parquet")
    release = write_release(Workspace(tmp_path / "ws"), version="1.0.0", out=tmp_path / "rel")
    assert verify_release(release) == []
