"""The first layout, which 0.1.0 wrote (files by split, no `expected`), is still read; diff and verify know both."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from polyrefuse_data.release import diff_releases, load_release, show_rows, verify_release, write_release
from polyrefuse_data.release.layout import data_layout, is_language
from polyrefuse_data.release.manifest import read_manifest
from polyrefuse_data.release.writer import file_entry

from .conftest import make_rows, make_workspace


@pytest.fixture
def first(tmp_path):
    """A release as 0.1.0 wrote it."""
    shutil.unpack_archive(Path(__file__).parent / "first_layout.zip", tmp_path)
    return tmp_path / "first_layout"


@pytest.fixture
def same_rows(first, tmp_path):
    """Its rows in today's layout."""
    rows = [row for row in make_rows(1, ("en", "yo")) if row["split"] != "validation"]
    rows[-1] |= {"status": "rejected", "flags": ["length"]}
    return write_release(make_workspace(tmp_path / "ws", rows), version="1.1.0", out=tmp_path / "new", previous=first)


def test_a_release_of_the_first_layout_verifies_loads_and_shows_its_rows(first, same_rows):
    assert verify_release(first) == []
    old, new = load_release(first), load_release(same_rows)

    def rows(splits):
        return {
            split: sorted(data.to_list(), key=lambda row: (row["id"], row["language"]))
            for split, data in splits.items()
        }

    assert rows(old) == rows(new) and old["test"].features == new["test"].features
    assert old["test"]["expected"] == ["comply", "refuse", "refuse"]
    assert len(show_rows(first, limit=100).rows) == 8


def test_the_content_hash_is_that_of_the_rows_in_either_layout(first, same_rows):
    assert read_manifest(first).content_sha256 == read_manifest(same_rows).content_sha256


def test_diff_and_changelog_name_the_layout_and_call_it_minor(first, same_rows):
    diff = diff_releases(first, same_rows)
    line = (
        "data files: data/<language>/<split>.parquet -> data/<language>/<label>-<split>.parquet, column expected added"
    )
    assert (diff.step, diff.is_empty, diff.lines()) == ("minor", True, [line, "no row, score or split changed"])
    assert "column expected removed" in diff_releases(same_rows, first).to_text()
    assert json.loads(diff.to_json())["data_files"]["old"] == "data/<language>/<split>.parquet"
    assert "column expected added" in (same_rows / "CHANGELOG.md").read_text()
    assert "data files" not in diff_releases(same_rows, same_rows).to_text()


def test_a_release_has_one_layout(first, same_rows, tmp_path):
    mixed = shutil.copytree(same_rows, tmp_path / "mixed")
    shutil.copy(first / "data/yo/test.parquet", mixed / "data/yo/test.parquet")
    manifest = read_manifest(mixed)
    files = manifest.files | {"data/yo/test.parquet": file_entry(mixed / "data/yo/test.parquet")}
    (mixed / "manifest.json").write_bytes(manifest.model_copy(update={"files": files}).sealed().to_bytes())
    assert "data/yo/harmful-test.parquet: a release has no such data file" in verify_release(mixed)


@pytest.mark.parametrize("code", ["all", "yo-harmful", "zh-Hant-harmless"])
def test_no_language_takes_the_name_of_another_config(code):
    assert not is_language(code) and is_language("zh-Hant")


def test_the_layout_of_no_file_is_todays():
    assert data_layout(["README.md"]) == "data/<language>/<label>-<split>.parquet"
