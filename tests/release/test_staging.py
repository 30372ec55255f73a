"""Where a release may go: a new folder, or an empty one that stays the folder it is; and what it never takes along."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release import preview_release, verify_release, write_release
from polyrefuse_data.release.staging import staged_folder
from tests.faults.launcher import ROOT
from tests.faults.worlds import contents


def test_into_the_folder_in_which_one_stands(workspace, tmp_path):
    """As `git clone URL .`: the folder is the same one afterwards, and a shell that stands there sees the release."""
    here = tmp_path / "here"
    here.mkdir()
    before = here.stat().st_ino
    command = [sys.executable, "-m", "polyrefuse_data", "release", workspace.path, "--version", "1.0.0", "--out", "."]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    script = ["bash", "-c", '"$@" && ls', "bash", *command]
    done = subprocess.run(script, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {"README.md", "data", "manifest.json"} < set(done.stdout.split())
    assert here.stat().st_ino == before
    write_release(workspace, version="1.0.0", out=tmp_path / "elsewhere")
    assert contents(here) == contents(tmp_path / "elsewhere")
    again = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 2 and "never overwritten" in again.stderr


def test_into_a_mounted_folder(workspace, tmp_path, monkeypatch):
    """A volume of a container cannot be replaced, and may not let anybody write beside it."""
    volume = tmp_path / "volume"
    volume.mkdir()
    monkeypatch.setattr(Path, "is_mount", lambda path: path == volume)
    assert verify_release(write_release(workspace, version="1.0.0", out=volume)) == []


@pytest.mark.parametrize("into", ["here", "new"])
def test_what_somebody_puts_there_meanwhile_stays(tmp_path, monkeypatch, into):
    out = tmp_path / into
    if into == "here":
        out.mkdir()
        monkeypatch.chdir(out)
    with pytest.raises(ReleaseError, match="never overwritten"), staged_folder(out) as folder:
        (folder / "README.md").write_text("the card")
        out.mkdir(exist_ok=True)
        (out / "README.md").write_text("mine")
    assert contents(out) == {"README.md": b"mine"}
    assert [path.name for path in tmp_path.iterdir()] == [into]


def test_a_preview_is_the_release_but_for_the_folder(workspace, tmp_path):
    manifest = preview_release(workspace, version="1.0.0", out=tmp_path / "rel")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ws"]
    out = write_release(workspace, version="1.0.0", out=tmp_path / "rel")
    assert (out / "manifest.json").read_bytes() == manifest.to_bytes()


def link_to_a_file(report, private):
    (report / "notes.html").symlink_to(private)


def link_to_a_folder(report, private):
    (report / "notes").symlink_to(private.parent)


def link_in_place_of_the_page(report, private):
    (report / "index.html").unlink()
    (report / "index.html").symlink_to(private)


def pipe(report, private):
    os.mkfifo(report / "notes.html")


def link_in_place_of_the_report(report, private):
    for path in report.iterdir():
        path.unlink()
    report.rmdir()
    report.symlink_to(private.parent)


@pytest.mark.parametrize(
    "plant", [link_to_a_file, link_to_a_folder, link_in_place_of_the_page, pipe, link_in_place_of_the_report]
)
def test_no_link_of_a_report_brings_a_private_file_into_a_release(workspace, tmp_path, plant):
    private = tmp_path / "home" / "private.txt"
    private.parent.mkdir()
    private.write_text("a private thing")
    workspace.report.mkdir()
    (workspace.report / "index.html").write_text("the report")
    plant(workspace.report, private)
    try:
        out = write_release(workspace, version="1.0.0", out=tmp_path / "rel")
    except ReleaseError as error:
        assert str(workspace.report) in str(error)
        assert not (tmp_path / "rel").exists()
    else:
        assert not any(b"a private thing" in content for content in contents(out).values())
        assert not any(path.is_symlink() for path in out.rglob("*"))
    assert private.read_text() == "a private thing"
