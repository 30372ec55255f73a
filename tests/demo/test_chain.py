"""`polyrefuse demo` on one language and few prompts: from seeds to the page, in one process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polyrefuse_data.benchmark import report
from polyrefuse_data.demo import run
from polyrefuse_data.demo.run import VERSION, run_demo


def test_from_seeds_to_the_page_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CONFIG", f'languages = ["de"]\n{run.CONFIG}')
    monkeypatch.setattr(run, "BENCHMARK", {**run.BENCHMARK, "transfer": "all", "limit": 4, "max_new_tokens": 16})
    # Half the time of a report; tests/benchmark/test_report.py draws them, and so does the whole demo in test_run.py.
    monkeypatch.setattr(report, "draw_all", lambda scores, selections: [])
    page = run_demo(tmp_path / "demo")
    manifest = json.loads((tmp_path / "demo" / f"release-{VERSION}" / "manifest.json").read_text())
    assert sum(entry.get("rows") or 0 for entry in manifest["files"].values()) == 144 * 2  # none is lost
    scores = (tmp_path / "demo" / "benchmark" / "scores.json").read_bytes()
    baseline = [row for row in json.loads(scores)["rows"] if row["intervention"] == "baseline"]
    assert {row["content_sha256"] for row in baseline} == {manifest["content_sha256"]}
    assert [row["refusal"] for row in baseline if row["label"] == "harmful"] == [1.0, 1.0]
    before = page.read_bytes()
    assert run_demo(tmp_path / "demo").read_bytes() == before
    assert (tmp_path / "demo" / "benchmark" / "scores.json").read_bytes() == scores
