"""What a release says of where and when it is published: settings, in card, Croissant file and manifest."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path

import mlcroissant
import pytest
from huggingface_hub import DatasetCard

from polyrefuse_data.config import Config, config_hash, parse_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.release import publish_release, verify_release, write_release
from polyrefuse_data.workspace import Workspace
from tests.faults.launcher import Call

DOI = "10.5281/zenodo.1234567"
SAID = {"repo_id": "safety/prompts", "doi": DOI, "date_published": date(2026, 1, 31)}


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_card_the_croissant_file_and_the_manifest_say_it(workspace: Workspace, tmp_path: Path) -> None:
    release = write_release(workspace, version="1.2.0", out=tmp_path / "rel", settings=SAID)
    assert verify_release(release) == []
    text = DatasetCard.load(release / "README.md").text
    assert 'load_dataset("safety/prompts", revision="v1.2.0")' in text and "ORG/NAME" not in text
    assert "inspect eval hf/safety/prompts@v1.2.0" in text
    assert f"(https://doi.org/{DOI})" in text and f"doi = {{{DOI}}}" in text and "year = {2026}" in text
    croissant = mlcroissant.Dataset(str(release / "croissant.json")).metadata
    assert croissant.date_published and croissant.date_published.date() == date(2026, 1, 31)
    assert croissant.url == "https://huggingface.co/datasets/safety/prompts"
    manifest = json.loads((release / "manifest.json").read_text())
    assert manifest["published"] == {"repo_id": "safety/prompts", "doi": DOI, "date": "2026-01-31"}


def test_the_same_settings_give_the_same_bytes_from_config_or_argument(workspace: Workspace, tmp_path: Path) -> None:
    first = write_release(workspace, version="1.0.0", out=tmp_path / "a", settings=SAID)
    workspace.config.write_text(f'[release]\nrepo_id = "safety/prompts"\ndoi = "{DOI}"\ndate_published = 2026-01-31\n')
    second = write_release(workspace, version="1.0.0", out=tmp_path / "b")
    assert everything(first) == everything(second)


def test_what_is_not_said_leaves_no_trace(workspace: Workspace, tmp_path: Path) -> None:
    """A manifest from before this was possible keeps its canonical form, and a config its hash."""
    release = write_release(workspace, version="1.0.0", out=tmp_path / "rel")
    assert "published" not in json.loads((release / "manifest.json").read_text())
    assert "datePublished" not in (release / "croissant.json").read_text()
    assert 'load_dataset("ORG/NAME"' in (release / "README.md").read_text()
    assert config_hash(parse_config({"release": {"doi": DOI}})) == config_hash(Config())


def test_the_gate_asks_what_the_config_says(workspace: Workspace, tmp_path: Path) -> None:
    workspace.config.write_text('[release.gated_fields]\n"Country" = "country"\n"I agree" = "checkbox"\n')
    release = write_release(workspace, version="1.0.0", out=tmp_path / "rel")
    fields = DatasetCard.load(release / "README.md").data.to_dict()["extra_gated_fields"]
    assert fields == {"Country": "country", "I agree": "checkbox"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("doi", "https://doi.org/10.1/x"), ("repo_id", "../x"), ("repo_id", "a/.."), ("date_published", "soon")],
)
def test_what_is_none_is_refused(workspace: Workspace, tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"release\.{name}"):
        write_release(workspace, version="1.0.0", out=tmp_path / "rel", settings={name: value})


def test_the_command_takes_them(workspace: Workspace, tmp_path: Path, polyrefuse: Call) -> None:
    options = ("--repo-id", "safety/prompts", "--doi", DOI, "--date-published", "2026-01-31")
    done = polyrefuse("release", workspace.path, "--version", "1.0.0", "--out", tmp_path / "rel", *options)
    assert done.returncode == 0, done.stderr
    assert everything(tmp_path / "rel") == everything(
        write_release(workspace, version="1.0.0", out=tmp_path / "again", settings=SAID)
    )


def test_publishing_elsewhere_than_the_card_says_is_told(
    workspace: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    release = write_release(workspace, version="1.0.0", out=tmp_path / "rel", settings=SAID)
    with caplog.at_level(logging.WARNING):
        publish_release(release, "safety/prompts", dry_run=True)
        assert not caplog.records
        publish_release(release, "other/name", dry_run=True)
    assert "the card of this release says safety/prompts, not other/name" in caplog.text
    unnamed = write_release(workspace, version="1.0.0", out=tmp_path / "unnamed")
    with caplog.at_level(logging.WARNING):
        publish_release(unnamed, "ORG/NAME", dry_run=True)
    assert "the card of this release names no repository: write the release with --repo-id ORG/NAME" in caplog.text
