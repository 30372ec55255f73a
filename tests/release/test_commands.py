"""release, verify, diff and publish as people call them: exit codes, stdout, one clear message."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from polyrefuse_data.release import load_release, write_release
from tests.hub_double import HubDouble

from .conftest import make_rows, make_workspace


@pytest.fixture
def run(polyrefuse):
    return polyrefuse


def run_apart(*arguments, **options):
    """In a process of its own: huggingface_hub reads its variables when it is imported."""
    command = [sys.executable, "-m", "polyrefuse_data.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


def flip_last_byte(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_release_verify_and_a_flipped_byte(run, workspace, tmp_path):
    made = run("release", workspace.path, "--version", "1.0.0", "--out", tmp_path / "rel")
    assert (made.returncode, made.stdout) == (0, f"{tmp_path / 'rel'}\n")
    assert run("verify", tmp_path / "rel").returncode == 0
    flip_last_byte(tmp_path / "rel/data/yo/harmful-test.parquet")
    found = run("verify", tmp_path / "rel")
    assert found.returncode == 1 and "data/yo/harmful-test.parquet" in found.stdout
    as_json = json.loads(run("verify", tmp_path / "rel", "--json").stdout)
    assert not as_json["ok"] and len(as_json["differences"]) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("release", "WS", "--version", "one", "--out", "OUT"), "--version 1.0.0"),
        (("release", "WS", "--version", "1.0.0", "--out", "WS"), "never overwritten"),
        (("release", "nowhere", "--version", "1.0.0", "--out", "OUT"), "polyrefuse build"),
        (("release", "WS", "--version", "1.0.0", "--out", "OUT", "--subset", "easy"), "parallel or matched"),
        (("release", "WS", "--version", "1.0.0", "--out", "OUT", "--previous", "WS"), "is not a release"),
        (("verify", "nowhere"), "neither a release folder"),
        (("diff", "nowhere", "WS"), "neither a release folder"),
        (("publish", "WS", "--repo-id", "org/name", "--dry-run"), "is not a release"),
        (("publish", "no/where", "--repo-id", "org/name", "--dry-run"), "no/where is not a folder"),
    ],
)
def test_bad_input_is_one_message_and_exit_2(run, workspace, tmp_path, arguments, says):
    places = {"WS": workspace.path, "OUT": tmp_path / "out"}
    done = run(*(places.get(argument, argument) for argument in arguments), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr and done.stderr.count("error:") == 1 and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_diff_in_text_json_and_markdown(run, workspace, tmp_path):
    assert run("release", workspace.path, "--version", "1.0.0", "--out", tmp_path / "one").returncode == 0
    later = make_workspace(tmp_path / "later", make_rows(5))
    both = (tmp_path / "one", tmp_path / "two")
    assert run("release", later.path, "--version", "1.1.0", "--out", both[1], "--previous", both[0]).returncode == 0
    assert run("diff", *both).stdout.startswith("1.0.0 -> 1.1.0: a minor step\n")
    assert json.loads(run("diff", *both, "--json").stdout)["step"] == "minor"
    markdown = run("diff", *both, "--markdown").stdout
    assert markdown.startswith("- de: 6 rows added") and markdown in (tmp_path / "two/CHANGELOG.md").read_text()


def test_diff_exit_code_is_for_scripts(run, workspace, tmp_path):
    for name, rows in (("one", make_rows()), ("same", make_rows()), ("more", make_rows(5))):
        made = make_workspace(tmp_path / f"ws-{name}", rows)
        write_release(made, version="1.0.0", out=tmp_path / name)
    one, same, more = (tmp_path / name for name in ("one", "same", "more"))
    assert run("diff", one, more).returncode == 0
    assert run("diff", one, more, "--exit-code").returncode == 1
    assert run("diff", one, same, "--exit-code", "--json").returncode == 0


def test_publish_prints_where_and_no_token(release, tmp_path):
    with HubDouble() as hub:
        options = ("publish", release, "--repo-id", "org/name", "--endpoint", hub.endpoint)
        without = run_apart(*options, env=hub.environment(tmp_path, token=None))
        assert without.returncode == 3 and "hf auth login" in without.stderr
        done = run_apart(*options, env=hub.environment(tmp_path))
        assert done.returncode == 0 and "org/name v1.0.0 is published" in done.stdout
        assert "hf_" not in done.stdout + done.stderr
        hub.faults.from_now_on("403")
        refused = run_apart(*options, env=hub.environment(tmp_path))
        assert refused.returncode == 3 and "Traceback" not in refused.stderr


def test_a_private_dataset_without_a_token_says_how_to_get_in(release, tmp_path):
    with HubDouble() as hub:
        options = ("--repo-id", "org/name", "--endpoint", hub.endpoint)
        assert run_apart("publish", release, *options, env=hub.environment(tmp_path)).returncode == 0
        for where, says in (("org/name", "HF_TOKEN"), ("org/other", "HF_TOKEN"), ("org/name@v9.9.9", "HF_TOKEN")):
            done = run_apart("verify", where, env=hub.environment(tmp_path / "other", token=None))
            assert done.returncode == 3 and says in done.stderr and "Traceback" not in done.stderr
        known = run_apart("verify", "org/name@v9.9.9", env=hub.environment(tmp_path))
        assert known.returncode == 2 and "no such revision" in known.stderr
        assert run_apart("verify", "org/name@v1.0.0", env=hub.environment(tmp_path)).returncode == 0


@pytest.mark.slow
def test_the_published_dataset_goes_all_the_way(run, tmp_path, upstream):
    workspace, release = tmp_path / "ws", tmp_path / "rel"
    assert run("import", upstream / "PolyRefuse", "--out", workspace).returncode == 0
    assert run("report", workspace).returncode == 0
    made = run("release", workspace, "--version", "1.0.0", "--out", release)
    assert made.returncode == 0, made.stderr
    assert run("verify", release).returncode == 0
    loaded = load_release(release)
    assert len(loaded["test"]) > 8000 and (release / "report/summary.json").exists()
    assert "py3langid" in json.loads((release / "manifest.json").read_text())["check_signature"]
    copy = shutil.copytree(release, tmp_path / "copy")
    flip_last_byte(copy / "README.md")
    found = run("verify", copy)
    assert found.returncode == 1 and found.stdout.startswith("README.md: ")
