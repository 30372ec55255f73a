"""A release that the Hub does not confirm, being gone or out of reach: said to be from the cache, or refused."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from huggingface_hub import constants

from polyrefuse_data.errors import MissingPrerequisite, ReleaseError
from polyrefuse_data.release import load_release, publish_release
from polyrefuse_data.release.fetch import locate
from tests.hub_double import TOKEN, HubDouble

REPO = "safety/prompts"


@pytest.fixture
def hub(release, monkeypatch, tmp_path):
    """A Hub that holds a release, for this process and an empty cache."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
    with HubDouble() as double:
        template = double.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", double.endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        publish_release(release, REPO, endpoint=double.endpoint)
        yield double


@pytest.mark.parametrize("by", ["tag", "commit", "nothing"])
def test_of_a_repository_that_was_deleted(hub, by, tmp_path, monkeypatch):
    commit = hub.repos[REPO].tags["v1.0.0"]
    where = REPO + {"tag": "@v1.0.0", "commit": f"@{commit}", "nothing": ""}[by]
    there = locate(where)
    assert there.cached_because is None
    del hub.repos[REPO]
    gone = locate(where)
    assert gone.folder == there.folder and "nor a dataset on the Hub that you can see" in gone.cached_because
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "another"))
    with pytest.raises(MissingPrerequisite, match="nor a dataset on the Hub"):
        locate(where)


def test_of_a_tag_that_was_deleted(hub):
    locate(f"{REPO}@v1.0.0")
    del hub.repos[REPO].tags["v1.0.0"]
    with pytest.raises(ReleaseError, match="no such revision"):
        locate(f"{REPO}@v1.0.0")


def test_offline(hub, monkeypatch, caplog):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(MissingPrerequisite, match="HF_HUB_OFFLINE is set: run this once online"):
        locate(REPO)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert load_release(REPO) and not caplog.records
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert load_release(REPO)
    assert f"reading {REPO} from the cache: {REPO} cannot be looked up while HF_HUB_OFFLINE is set" in caplog.text


def test_verify_says_so(hub, tmp_path):
    locate(REPO)
    del hub.repos[REPO]

    def verify(*options):
        command = [sys.executable, "-m", "polyrefuse_data", "verify", REPO, *options]
        environment = hub.environment(tmp_path / "cache")
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=True)

    assert verify().stdout.startswith(f"{REPO}: verified from the cache ({REPO} is neither a folder nor a dataset on")
    as_json = json.loads(verify("--json").stdout)
    assert as_json["ok"] and "nor a dataset on the Hub" in as_json["from_cache"]
