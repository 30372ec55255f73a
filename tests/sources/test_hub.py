"""Prompts from a dataset on a Hub: only at a commit, only from the files that are named, and cached for later."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from polyrefuse_data.config import SourceConfig
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, SourceError
from polyrefuse_data.release import publish_release, write_release
from polyrefuse_data.sources import load_prompts, read_import
from tests.cases import quick
from tests.hub_double import HubDouble
from tests.release.conftest import make_rows, make_workspace

REPO = "safety/prompts"


@pytest.fixture
def hub(mirror: HubDouble, tmp_path: Path) -> HubDouble:
    release = write_release(make_workspace(tmp_path / "ws", make_rows(1)), version="1.0.0", out=tmp_path / "rel")
    publish_release(release, REPO, endpoint=mirror.endpoint)
    return mirror


def source(revision: str, files: str = "data/en/*.parquet", repo: str = REPO) -> SourceConfig:
    return SourceConfig(name="theirs", hub=f"{repo}@{revision}" if revision else repo, files=files)


def commit_of(hub: HubDouble) -> str:
    return hub.repos[REPO].branches["main"]


def test_a_published_release_is_a_source_of_prompts(hub: HubDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = source(commit_of(hub))
    prompts = load_prompts([wanted])
    assert prompts.num_rows == 6 and set(prompts["label"].to_pylist()) == {"harmful", "harmless"}
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert load_prompts([wanted]) == prompts


@pytest.mark.parametrize("revision", ["", "main", "v1.0.0"])
def test_what_may_move_is_not_read_but_pinned(hub: HubDouble, revision: str) -> None:
    with pytest.raises(ConfigError, match=rf"sources\.0\.hub: .* may change: pin .* {commit_of(hub)}"):
        load_prompts([source(revision)])


def test_other_files_and_languages_are_named(hub: HubDouble) -> None:
    with pytest.raises(SourceError, match=r"has no file 'data/fr/\*', only .*data/de/harmful-test\.parquet"):
        load_prompts([source(commit_of(hub), "data/fr/*")])
    with pytest.raises(SourceError, match="in de, but sources hold English prompts"):
        load_prompts([source(commit_of(hub), "data/de/*")])


@pytest.mark.parametrize("repo", quick(["../../etc", "a", "/etc/passwd"], ["a/..", "a/b/../c", "a/b c", "a//b"]))
def test_an_id_that_leads_elsewhere_is_none(hub: HubDouble, repo: str) -> None:
    hub.faults.reset()
    with pytest.raises(ConfigError, match=r"sources\.0\.hub"):
        load_prompts([source("0" * 40, repo=repo)])
    assert not hub.faults.requests


def test_a_dataset_that_nobody_can_see_says_so(hub: HubDouble) -> None:
    with pytest.raises(MissingPrerequisite, match="check the name"):
        load_prompts([source("0" * 40, repo="no/body")])


def test_a_release_states_repository_and_commit(hub: HubDouble, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "other", make_rows(source="theirs"))
    workspace.config.write_text(f'[[sources]]\nname = "theirs"\nhub = "{REPO}@{"a" * 40}"\nfiles = "x.csv"\n')
    release = write_release(workspace, version="1.0.0", out=tmp_path / "other-rel")
    (entry,) = json.loads((release / "manifest.json").read_text())["sources"]
    assert (entry["revision"], entry["url"]) == ("a" * 40, f"https://huggingface.co/datasets/{REPO}")


def test_an_import_takes_a_dataset_of_the_hub(hub: HubDouble, tmp_path: Path) -> None:
    """Its files together: the English of a translation may be in another one."""
    where = f"{REPO}@{commit_of(hub)}"
    found = read_import(where, hub_files="data/*/harmful-*.parquet", license="MIT")
    rows = found.rows.to_pylist()
    assert {row["language"] for row in rows} > {"en"} and {row["label"] for row in rows} == {"harmful"}
    assert all(row["text_en"] for row in rows)
    assert f"Imported from {where} (" in found.config
    with pytest.raises(
        ConfigError, match="PATH: safety/prompts names no commit, so its content may change: pin the current one"
    ):
        read_import(REPO, hub_files="*")
    with pytest.raises(ConfigError, match=r"PATH: '\.\./\.\./etc' is not a dataset on the Hub"):
        read_import("../../etc", hub_files="*")


def test_the_command_takes_one_too(hub: HubDouble, tmp_path: Path) -> None:
    """In a process that starts with this Hub: huggingface_hub reads its environment once."""
    where, out = f"{REPO}@{commit_of(hub)}", tmp_path / "imported"
    command = ["import", where, "--files", "data/de/*", "--out", out, "--dry-run", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "polyrefuse_data", *map(str, command)],
        env=hub.environment(tmp_path / "home"), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["languages"] == ["en", "de"]
