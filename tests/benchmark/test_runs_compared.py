"""Runs against each other: the same prompts, corrected over what is looked at, and honest about other judges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.benchmark import write_report
from polyrefuse_data.benchmark.latex import runs_table
from polyrefuse_data.benchmark.paired import Pairs
from polyrefuse_data.benchmark.runs_compared import compare_runs, rates_of_runs


def replies(refused: int, n: int = 40, label: str = "harmful", judge: str = "phrases") -> list[dict[str, Any]]:
    return [
        {"id": f"{label}{number}", "label": label, "refusal": number < refused, "judge": judge} for number in range(n)
    ]


def test_models_are_paired_by_prompt() -> None:
    runs = {"old": {"de": replies(20), "yo": replies(20)}, "new": {"de": replies(36), "yo": replies(21)}}
    records = {record["language"]: record for record in compare_runs(runs)}
    de = records["de"]
    assert (de["run"], de["reference"], de["n"], de["difference"]) == ("new", "old", 40, pytest.approx(0.4))
    assert de["p"] == Pairs(20, 16, 0, 4).p_value() and de["p_holm"] == pytest.approx(2 * de["p"])
    assert (de["verdict"], records["yo"]["verdict"]) == ("differs", "not_significant")


def test_prompts_that_one_run_lacks_and_other_judges_are_told() -> None:
    runs = {"old": {"de": replies(20)}, "new": {"de": replies(20, judge="guard")[:29], "th": replies(20)}}
    (record,) = compare_runs(runs)
    assert (record["n"], record["verdict"], record["same_judge"]) == (29, "too_few", False)


def test_the_table_for_papers_marks_what_differs() -> None:
    runs = {"old_1 & 50%": {"de": replies(20)}, "new": {"de": replies(36)}}
    text = runs_table(rates_of_runs(runs), compare_runs(runs), ["phrases", "my_judge:A|version:1"])
    assert r"\multicolumn{6}{l}{\footnotesize Judge: phrases, my\_judge:A} \\" in text
    assert text.endswith("\\end{tabular}\n% judge: phrases\n% judge: my_judge:A|version:1\n")
    assert r"old\_1 \& 50\% & de & harmful & 40 & 50 [35, 65] & -- \\" in text
    assert r"new & de & harmful & 40 & 90 [77, 96] & +40 [" in text
    assert text.count(r"\\") == text.count("\n") - 8  # every row ends, and nothing else does


def test_one_page_compares_runs_and_leaves_figure_and_table_beside_it(small_run: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("polyrefuse_data.benchmark.report.draw_all", lambda scores, selections: [])
        page = write_report([small_run, small_run], tmp_path / "both.html").read_text(encoding="utf-8")
    assert "Runs against the first, on the same prompts" in page and "Refusal in each run" in page
    assert " (2)</td><td>en</td>" in page  # a model's second run
    warned = "(under 30: nothing can be concluded)"
    assert f"n = 6 test prompts a label and language {warned}" in page and "Judge: phrases.</figcaption>" in page
    assert (tmp_path / "both-comparison.svg").read_bytes().startswith(b"<?xml")
    numbers = json.loads((tmp_path / "both-comparison.json").read_text(encoding="utf-8"))
    assert {record["difference"] for record in numbers["changes"]} == {0.0} and numbers["rates"][0]["n"] == 6
    assert (tmp_path / "both-comparison.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "both-comparison.tex").read_text(encoding="utf-8").startswith(r"\begin{tabular}")
