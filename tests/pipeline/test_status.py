"""status: what a workspace holds, how far it is, and the command that comes next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polyrefuse_data.config import write_template
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.pipeline.status import workspace_status
from polyrefuse_data.quality import check, export_review, scoring, write_report
from polyrefuse_data.system.files import atomic_write, write_table
from polyrefuse_data.workspace import Workspace
from tests.faults.launcher import Call
from tests.quality.tables import make_table


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "ws")


@pytest.fixture
def checked(workspace: Workspace) -> Workspace:
    write_table(make_table({}, {"text": "x"}, {"language": "en", "text": "Name three tips."}), workspace.rows)
    check(workspace, progress=False)
    return workspace


def test_from_nothing_to_a_build(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist: create it with `polyrefuse init"):
        workspace_status(workspace)
    workspace.path.mkdir()
    assert workspace_status(workspace).next_step.startswith("polyrefuse init")
    write_template(workspace.config)
    assert workspace_status(workspace).next_step == f"polyrefuse build -c {workspace.config}"
    workspace.config.write_text("[engine]\nshard_prompts = 2\n")
    write_table(make_table({}, {}, {}, {}, {}), workspace.prompts)
    for number in range(2):
        atomic_write(workspace.shards / f"{number:06d}.json", "{}")
    found = workspace_status(workspace)
    assert (found.prompts, found.shards, found.rows) == (5, (2, 3), None)
    assert "build in progress: 2 of 3 shards finished" in found.to_text()
    assert found.next_step.startswith(f"polyrefuse build -c {workspace.config}")


def test_an_import_that_was_stopped(workspace: Workspace) -> None:
    atomic_write(workspace.imports, "[]\n")
    partial = scoring.PartialScores(workspace.checking)
    for size in (2, 3):
        partial.add(make_table(*[{}] * size))
    found = workspace_status(workspace)
    assert found.scored == 5 and "check in progress: 5 rows scored" in found.to_text()
    assert "run the same `polyrefuse import ... --out" in found.next_step


def test_rows_report_and_review(checked: Workspace) -> None:
    found = workspace_status(checked)
    assert found.languages == {"de": {"accepted": 1, "rejected": 1}, "en": {"rejected": 1}}
    assert (found.rows, found.notice, found.report) == (3, "", "none")
    assert found.signature is not None and found.signature.startswith("polyrefuse-data")
    assert found.next_step == f"polyrefuse report {checked.path}"
    write_report(checked)
    export_review(checked)
    found = workspace_status(checked)
    assert (found.report, found.reviews) == ("current", ["review.csv"])
    assert found.next_step == f"polyrefuse release {checked.path} --version X.Y.Z --out DIR"
    check(checked, {"thresholds": {"length_ratio_max": 0.1}}, progress=False)
    checked.config.write_text("[quality.thresholds]\nlength_ratio_max = 0.1\n")
    assert workspace_status(checked).report == "older than the rows"


def test_rows_whose_verdicts_are_none_or_old(checked: Workspace) -> None:
    checked.config.write_text("[quality.thresholds]\nlength_ratio_max = 0.1\n")
    found = workspace_status(checked)
    assert "config other than the current one" in found.notice
    assert (found.next_step, found.languages["en"]) == (f"polyrefuse check {checked.path}", {"rejected": 1})
    write_table(checked.read_rows().slice(1), checked.rows)
    found = workspace_status(checked)
    assert found.notice == "rows were added or changed since they were checked"
    assert (found.signature, found.languages["en"]) == (None, {"not checked": 1})
    assert found.next_step == f"polyrefuse check {checked.path}"


def test_it_only_reads(polyrefuse: Call, checked: Workspace) -> None:
    before = sorted(path.name for path in checked.path.iterdir())
    done = polyrefuse("status", checked.path, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 3
    assert sorted(path.name for path in checked.path.iterdir()) == before
