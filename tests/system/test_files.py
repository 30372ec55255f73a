"""Writing where somebody's work may be: refused, or beside it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from polyrefuse_data.errors import ConfigError, DiskError
from polyrefuse_data.system.files import (
    atomic_write,
    read_table,
    remove_own,
    replace_kept,
    write_beside,
    write_new,
    write_table,
)
from polyrefuse_data.system.own_pages import write_page
from polyrefuse_data.system.row_groups import group_sizes, write_groups


def refused(number: int) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.fixture(params=[0, errno.EPERM, errno.EXDEV, errno.EINVAL], ids=["links", "EPERM", "EXDEV", "EINVAL"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On a file system with hard links, and on some without, which say so in their own ways."""
    if request.param:
        monkeypatch.setattr(os, "link", refused(request.param))
    return tmp_path


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP], ids=errno.errorcode.get)
def test_a_file_system_that_syncs_nothing_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "fsync", refused(number))
    atomic_write(tmp_path / "file", "ours")
    write_new(tmp_path / "new", "ours", "choose another")
    assert contents(tmp_path) == {"file": "ours", "new": "ours"}
    monkeypatch.setattr(os, "fsync", refused(errno.EIO))
    with pytest.raises(DiskError, match="the disk fails"):
        atomic_write(tmp_path / "file", "theirs")
    assert contents(tmp_path) == {"file": "ours", "new": "ours"}


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if not path.is_symlink() or path.exists()}


def test_a_new_file_is_written_once(folder: Path) -> None:
    target = folder / "deep" / "file.toml"
    for _ in range(2):
        write_new(target, "ours", "choose another")
    assert contents(target.parent) == {"file.toml": "ours"}
    assert target.stat().st_nlink == 1


@pytest.mark.parametrize("theirs", ["", "our", "ours\n"])
def test_another_file_is_never_written_over(folder: Path, theirs: str) -> None:
    (folder / "file.toml").write_text(theirs)
    with pytest.raises(ConfigError, match=r"file\.toml already exists .*: choose another"):
        write_new(folder / "file.toml", "ours", "choose another")
    assert contents(folder) == {"file.toml": theirs}


def test_nor_is_a_link_that_leads_nowhere(folder: Path) -> None:
    (folder / "file.toml").symlink_to("nowhere")
    with pytest.raises(ConfigError, match="already exists"):
        write_new(folder / "file.toml", "ours", "choose another")
    assert not (folder / "nowhere").exists()


def test_beside(folder: Path) -> None:
    assert write_beside(folder / "file.toml", "ours") == folder / "file.toml"
    (folder / "file.toml").write_text("theirs")
    for _ in range(2):
        assert write_beside(folder / "file.toml", "ours") == folder / "file-2.toml"
    assert write_beside(folder / "file.toml", "another") == folder / "file-3.toml"
    assert contents(folder) == {"file.toml": "theirs", "file-2.toml": "ours", "file-3.toml": "another"}


def test_what_is_replaced_is_kept(folder: Path) -> None:
    for content in ("first", "first", "second", "third"):
        replace_kept(folder / "file.tsv", content)
    assert contents(folder) == {"file.tsv": "third", "file-2.tsv": "first", "file-3.tsv": "second"}


def test_only_files_of_ours_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    remove_own(folder, re.compile("[0-9]+"))
    for names in (["1", "notes"], ["2"]):
        for name in names:
            atomic_write(folder / name, name)
        remove_own(folder, re.compile("[0-9]+"))
        assert [path.name for path in folder.iterdir()] == ["notes"]
    (folder / "notes").unlink()
    remove_own(folder, re.compile("[0-9]+"))
    assert not folder.exists()


def test_a_page_of_ours_is_replaced_until_somebody_changes_it(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    for content in ("<p>one</p>\n", "<p>two</p>\n"):
        write_page(page, content)
        assert page.read_text().startswith(content)
    for changed in (page.read_text().replace("two", "mine"), page.read_text() + "<p>mine</p>", "mine"):
        page.write_text(changed)
        with pytest.raises(ConfigError, match="was not written by polyrefuse"):
            write_page(page, "<p>three</p>\n")
        assert page.read_text() == changed


def test_a_device_is_not_taken_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "device").symlink_to("/dev/null")
    with pytest.raises(ConfigError, match="a pipe or device has its name"):
        atomic_write(tmp_path / "device", "content")
    assert (tmp_path / "device").is_symlink()


@pytest.mark.parametrize("name", ["~", "~root", "s3:", "file:", "hdfs:x"])
def test_a_folder_whose_name_means_something_to_a_library_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """pyarrow would write into the home folder, or look for another machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    table = pa.table({"id": ["a"]})
    write_table(table, Path(name) / "rows.parquet")
    write_groups(Path(name) / "groups.parquet", table.schema, [table])
    written = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(written) == [f"{name}/groups.parquet", f"{name}/rows.parquet"]
    assert read_table(Path(name) / "rows.parquet", "x").equals(table)
    assert group_sizes(Path(name) / "groups.parquet") == [1]
