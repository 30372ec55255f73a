"""Publishing without a Hub: into a folder of versions, and as a ZIP file for Zenodo."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from polyrefuse_data.errors import ConfigError, ReleaseError
from polyrefuse_data.release import publish_to, verify_release, write_release
from polyrefuse_data.release.manifest import read_manifest
from polyrefuse_data.release.places import zenodo_metadata
from polyrefuse_data.workspace import Workspace
from tests.faults.launcher import Call
from tests.release.conftest import make_rows, make_workspace


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Version 1.0.0 again, with other rows."""
    return write_release(make_workspace(tmp_path / "other", make_rows(2)), version="1.0.0", out=tmp_path / "other-rel")


def test_a_folder_of_versions(release: Path, workspace: Workspace, tmp_path: Path, other: Path) -> None:
    shelf = tmp_path / "shelf"
    assert publish_to("folder", release, shelf, dry_run=True).is_new and not shelf.exists()
    assert publish_to("folder", release, shelf).is_new
    assert verify_release(shelf / "v1.0.0") == []
    assert not publish_to("folder", release, shelf).is_new
    with pytest.raises(ReleaseError, match=r"v1\.0\.0 holds other content: a published version never changes"):
        publish_to("folder", other, shelf)
    second = write_release(workspace, version="1.0.1", out=tmp_path / "second")
    publish_to("folder", second, shelf)
    assert sorted(path.name for path in shelf.iterdir()) == ["v1.0.0", "v1.0.1"]


def test_a_zip_file_is_the_release_in_the_same_bytes_on_any_day(release: Path, tmp_path: Path, other: Path) -> None:
    placed = publish_to("zenodo-zip", release, tmp_path / "a")
    archive, metadata = map(Path, placed.paths)
    for path in release.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    again = Path(publish_to("zenodo-zip", release, tmp_path / "b").paths[0])
    assert archive.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path / "unpacked")
    assert verify_release(tmp_path / "unpacked" / "polyrefuse-1.0.0") == []
    said = json.loads(metadata.read_text())["metadata"]
    assert (said["version"], said["upload_type"], said["license"]) == ("1.0.0", "dataset", "mit")
    assert not publish_to("zenodo-zip", release, tmp_path / "a").is_new
    with pytest.raises(ReleaseError, match=r"polyrefuse-1\.0\.0\.zip holds other content"):
        publish_to("zenodo-zip", other, tmp_path / "a")
    assert {path.name for path in (tmp_path / "a").iterdir()} == {archive.name, metadata.name}


def test_metadata_that_a_person_changed_stay(release: Path, tmp_path: Path) -> None:
    metadata = Path(publish_to("zenodo-zip", release, tmp_path).paths[1])
    metadata.write_text('{"metadata": {"creators": []}}')
    with pytest.raises(ConfigError, match=r"zenodo\.json"):
        publish_to("zenodo-zip", release, tmp_path)
    assert "creators" in metadata.read_text()


def test_doi_date_and_repository_go_into_the_metadata(workspace: Workspace, tmp_path: Path) -> None:
    settings = {"doi": "10.5281/zenodo.1", "date_published": "2026-01-31", "repo_id": "safety/prompts"}
    release = write_release(workspace, version="1.0.0", out=tmp_path / "rel", settings=settings)
    said = zenodo_metadata(read_manifest(release))
    assert (said["doi"], said["publication_date"]) == ("10.5281/zenodo.1", "2026-01-31")
    assert said["related_identifiers"][0]["identifier"].endswith("datasets/safety/prompts")


def test_what_does_not_verify_goes_nowhere(release: Path, tmp_path: Path) -> None:
    (release / "README.md").write_text("changed")
    for place in ("folder", "zenodo-zip"):
        with pytest.raises(ReleaseError, match="does not verify"):
            publish_to(place, release, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command(release: Path, tmp_path: Path, polyrefuse: Call) -> None:
    done = polyrefuse("publish", release, "--to", "folder", "--into", tmp_path / "shelf", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout or done.stderr)
    assert told["is_new"] and verify_release(Path(told["paths"][0])) == []
    for arguments, mend in [
        (("--to", "folder"), "needs --into DIR"),
        (("--to", "ftp", "--into", tmp_path), "use hub, folder, zenodo-zip"),
        ((), "needs --repo-id ORG/NAME"),
        (("--repo-id", "a/b", "--into", tmp_path), "works only with --to folder"),
    ]:
        failed = polyrefuse("publish", release, *arguments)
        assert failed.returncode == 2 and mend in failed.stderr
