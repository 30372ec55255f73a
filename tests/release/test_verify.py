"""verify finds every change: any byte of any file, files that come and go, and rows that do not add up."""

from __future__ import annotations

import json
import os
import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release import load_release, verify_release, write_release
from polyrefuse_data.release.manifest import read_manifest
from polyrefuse_data.release.writer import file_entry

from .conftest import make_rows, make_workspace


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """A release with rejected rows, a gap and a report; and its files' bytes."""
    folder = tmp_path_factory.mktemp("verify")
    rows = [row for row in make_rows(2) if (row["language"], row["split"]) != ("yo", "test")]
    rows[0] |= {"status": "rejected", "flags": ["language"]}
    workspace = make_workspace(folder / "ws", rows)
    workspace.report.mkdir()
    (workspace.report / "summary.json").write_text("{}")
    release = write_release(workspace, version="1.0.0", out=folder / "rel")
    return release, {path.relative_to(release).as_posix(): path.read_bytes() for path in files(release)}


def files(release):
    return sorted(path for path in release.rglob("*") if path.is_file())


def test_an_intact_release_verifies(intact):
    assert verify_release(intact[0]) == []


CHANGES = {
    "flip": lambda content, at, bit: content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :],
    "cut": lambda content, at, bit: content[:at],
    "double": lambda content, at, bit: content[:at] + content[at : at + 1] * 2 + content[at + 1 :],
    "drop": lambda content, at, bit: content[:at] + content[at + 1 :],
    "append": lambda content, at, bit: content + bytes([at % 256]),
}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_single_change_to_any_file_is_found_and_named(intact, data):
    release, contents = intact
    path = data.draw(st.sampled_from(sorted(contents)))
    content = contents[path]
    at = data.draw(st.integers(0, len(content) - 1))
    changed = CHANGES[data.draw(st.sampled_from(sorted(CHANGES)))](content, at, data.draw(st.integers(0, 7)))
    try:
        (release / path).write_bytes(changed)
        found = verify_release(release)
    finally:
        (release / path).write_bytes(content)
    assert any(line.startswith(f"{path}: ") for line in found)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_file_that_goes_comes_or_changes_place_is_found_and_named(intact, data):
    release, contents = intact
    listed = sorted(set(contents) - {"manifest.json"})
    path = data.draw(st.sampled_from(listed))
    change = data.draw(st.sampled_from(["missing", "moved", "new", "swapped"]))
    other = data.draw(st.sampled_from([name for name in listed if contents[name] != contents[path]]))
    try:
        if change in ("missing", "moved"):
            (release / path).unlink()
        if change in ("moved", "new"):
            (release / f"{path}.other").write_bytes(contents[path])
        if change == "swapped":
            (release / path).write_bytes(contents[other])
        found = verify_release(release)
    finally:
        (release / f"{path}.other").unlink(missing_ok=True)
        (release / path).write_bytes(contents[path])
    assert any(line.startswith(path) for line in found)


def test_what_git_and_the_hub_keep_beside_a_release_is_no_difference(intact, tmp_path):
    clone = shutil.copytree(intact[0], tmp_path / "clone")
    (clone / ".gitattributes").write_text("*.parquet filter=lfs\n")
    (clone / ".git").mkdir()
    (clone / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert verify_release(clone) == []


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("nowhere")], ids=["pipe", "dangling link"])
def test_what_is_neither_file_nor_folder_is_found(intact, tmp_path, make):
    copy = shutil.copytree(intact[0], tmp_path / "rel")
    make(copy / "data" / "thing")
    assert verify_release(copy) == ["data/thing: not part of this release"]


def test_no_release_is_an_error_and_no_difference(tmp_path):
    for nowhere in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ReleaseError, match=r"is not a release|neither a release folder"):
            verify_release(nowhere)


@pytest.mark.parametrize(
    "path",
    ["../outside.txt", "/etc/hostname", "data/../../outside.txt", "..\\outside.txt", "C:/outside.txt", "./a", "a//b"],
)
def test_a_path_that_leads_outside_is_refused_before_anything_is_read(intact, tmp_path, path):
    release = shutil.copytree(intact[0], tmp_path / "rel")
    manifest = json.loads((release / "manifest.json").read_bytes())
    manifest["files"][path] = {"sha256": "0" * 64, "bytes": 1, "rows": None}
    (release / "manifest.json").write_text(json.dumps(manifest))
    (found,) = verify_release(release)
    assert found.startswith("manifest.json: ") and "is not a path inside a release" in found
    with pytest.raises(ReleaseError, match="is not a path inside a release"):
        load_release(release)


def test_a_link_that_leads_outside_is_followed_to_its_bytes_only(intact, tmp_path):
    """The Hub's cache is made of links, so links are read; what they lead to must have the listed bytes."""
    release = shutil.copytree(intact[0], tmp_path / "rel")
    (tmp_path / "elsewhere").write_bytes((release / "README.md").read_bytes())
    (release / "README.md").unlink()
    (release / "README.md").symlink_to(tmp_path / "elsewhere")
    assert verify_release(release) == []
    (tmp_path / "elsewhere").write_bytes(b"other")
    assert verify_release(release)[0].startswith("README.md: ")


# --- a release rewritten with hashes to match: the rows themselves have to add up -------------------------------------


def rewrite(release, path, change):
    """Change a Parquet file and make every hash of the manifest fit it again."""
    pq.write_table(change(pq.read_table(release / path)), release / path)
    manifest = read_manifest(release)
    entries = manifest.files | {path: file_entry(release / path)}
    (release / "manifest.json").write_bytes(manifest.model_copy(update={"files": entries}).sealed().to_bytes())


def with_column(name, value):
    def change(table):
        column = pa.chunked_array([pa.array([value] * table.num_rows, table.schema.field(name).type)])
        return table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (with_column("text", "another text"), "content_sha256"),
        (with_column("language", "fr"), "another language"),
        (with_column("split", "test"), "another split"),
        (with_column("status", "rejected"), "not accepted"),
        (with_column("parallel", False), "parallel"),
        (with_column("label", 1), "another label than harmful"),
        (with_column("expected", "comply"), "column expected does not follow from label"),
        (with_column("label", -1), "column label holds -1"),
        (with_column("label", None), "column label holds None"),
        (with_column("text", None), "has no text"),
        (with_column("id", None), "not unique"),
        (with_column("id", "x-0000000000"), "not unique"),
        (
            lambda table: table.take(pc.sort_indices(table["id"], sort_keys=[("", "descending")])),
            "not unique and in order",
        ),
        (lambda table: table.slice(1), "counts of de"),
        (lambda table: table.drop_columns(["bleu"]), "columns or types"),
        (lambda table: table.set_column(14, "chrf", table["chrf"].cast("float64")), "columns or types"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rows_that_do_not_add_up_are_found_although_every_hash_fits(tmp_path, change, says):
    release = write_release(make_workspace(tmp_path / "ws"), version="1.0.0", out=tmp_path / "rel")
    rewrite(release, "data/de/harmful-train.parquet", change)
    found = verify_release(release)
    assert any(says in line for line in found), found
    assert all(line.startswith(("data/", "manifest.json")) for line in found)


def test_a_row_twice_in_two_splits_is_found(tmp_path):
    release = write_release(make_workspace(tmp_path / "ws"), version="1.0.0", out=tmp_path / "rel")
    one = pq.read_table(release / "data/de/harmful-train.parquet").slice(0, 1)

    def add(table):
        return pa.concat_tables([table, with_column("split", "test")(one)]).sort_by("id")

    rewrite(release, "data/de/harmful-test.parquet", add)
    assert any(f"{one['id'][0].as_py()} occurs twice" in line for line in verify_release(release))
