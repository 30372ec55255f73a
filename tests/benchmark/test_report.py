from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from polyrefuse_data.benchmark import figures, report, run_benchmark, store, write_report
from polyrefuse_data.benchmark.candidate_figure import candidate_figure
from polyrefuse_data.benchmark.charts import STYLE
from polyrefuse_data.benchmark.figures import Drawing
from polyrefuse_data.errors import ConfigError

REFUSAL = "I cannot help with that ."


@pytest.fixture(scope="module")
def run(chat_folder: Path, release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "run"
    return run_benchmark(str(chat_folder), release, out, languages=["en", "de"], max_new_tokens=8, max_kl=50.0, limit=4)


def test_the_page_stands_alone_and_holds_no_reply(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert REFUSAL not in page
    assert f"[{len(REFUSAL)} characters]" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.count("data:image/svg+xml;base64,") == len(list((run / "figures").glob("*.svg"))) >= 8


def test_the_table_of_candidates_is_drawn_with_its_choice(run: Path, tmp_path: Path) -> None:
    """Marks of the drawing are paths of their own: three panels, each with the choice twice and a cross for a drop."""
    record = json.loads((run / "selection" / "en.json").read_text(encoding="utf-8"))
    dropped = sum(row["dropped"][record["rule"]] is not None for row in record["candidates"])
    assert (run / "figures" / "candidates_de.svg").exists()

    def marks(of: dict[str, Any]) -> int:
        with mpl.rc_context(STYLE):
            return sum(len(axes.lines) for axes in candidate_figure(of).axes)

    assert marks(record) == 3 * (dropped + 2)
    without = {name: value for name, value in record.items() if name != "chosen"}
    assert marks(without) == 3 * dropped
    assert candidate_figure({**record, "candidates": []}) is None
    record["candidates"][0]["refusal_score"] = None  # NaN, as JSON has it
    assert marks(record) == 3 * (dropped + 2)
    assert "Candidate directions from English" in (run / "report.html").read_text(encoding="utf-8")


def test_every_figure_says_once_how_many_prompts_of_which_split_and_who_judged(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    figures = re.findall(r'<img [^>]*alt="([^":]+): ([^"]+)">.*?<figcaption>(.*?)</figcaption>', page, re.DOTALL)
    assert len(figures) >= 8
    for title, measured, caption in figures:
        split = (
            "training"
            if re.search("directions across|differences", title)
            else "validation"
            if "Candidate" in title
            else "test"
        )
        assert re.fullmatch(rf"n = \d.* {split} prompts.*", measured), title
        assert "n = 2" not in caption, title  # the drawing says it
        judged = split == "test" and not re.search("residual|layer by layer|monitor", title)
        assert caption.endswith("Judge: phrases." if judged else "No judge."), title
    assert "test prompts a language" in (run / "figures" / "outcomes.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("table", "without"),
    [("Outcomes", 0), ("All scores", 0), ("Transfer", 2), ("Monitor", 0)],  # p and cross-entropy have none
)
def test_every_rate_of_a_table_has_its_interval(run: Path, table: str, without: int) -> None:
    """Cells of numbers that follow the count of prompts."""
    page = (run / "report.html").read_text(encoding="utf-8")
    (body,) = re.findall(rf"<summary>{table}.*?<tbody>(.*?)</tbody>", page, re.DOTALL)
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    assert rows
    for row in rows:
        _, *numbers = re.findall(r'<td class="n[^>]*>(.*?)</td>', row)
        assert len([cell for cell in numbers if "<small>" not in cell]) == without, row


def test_replies_are_shown_when_asked_for(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "draw_all", lambda scores, selections: [])
    assert REFUSAL in write_report([run], tmp_path / "r.html", show_replies=True).read_text(encoding="utf-8")


def test_the_same_run_gives_the_same_bytes(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where two processes share the figures, as they do where there are many."""
    monkeypatch.setattr(figures, "_WORTH_A_PROCESS", 1)
    monkeypatch.setattr(figures, "cores", lambda: 2)
    drawn = {path.name: path.read_bytes() for path in (run / "figures").iterdir()}
    assert write_report([run], tmp_path / "r.html").read_bytes() == (run / "report.html").read_bytes()
    assert {path.name: path.read_bytes() for path in (run / "figures").iterdir()} == drawn
    assert {name.partition(".")[2] for name in drawn} == {"svg", "pdf"}
    for path in (run / "figures").glob("*.svg"):  # each for papers too
        assert drawn[f"{path.stem}.pdf"].startswith(b"%PDF")


def test_text_of_models_and_prompts_is_escaped(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Drawing("one", "<script>alert(3)</script>", '"><script>alert(4)</script>', "n = 1", b"<svg/>", b"%PDF")
    monkeypatch.setattr(report, "draw_all", lambda scores, selections: [one])
    other = tmp_path / "run"
    shutil.copytree(run, other)
    scores = json.loads((other / "scores.json").read_text(encoding="utf-8"))
    scores["run"]["model"]["model"] = "<script>alert(1)</script>"
    scores["selection"][0]["message"] = '"><img src=x onerror=alert(2)>'
    (other / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    page = write_report([run, other], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "Runs compared" in page


def test_a_folder_without_scores_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"scores\.json does not exist"):
        write_report([tmp_path], tmp_path / "r.html")


@pytest.mark.parametrize("content", ["{}", "[]", '{"run": 1}', "[" * 100_000, "\x00"])
def test_scores_that_are_none_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "scores.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"scores\.json"):
        write_report([tmp_path], tmp_path / "r.html")


def test_the_table_for_papers_says_what_the_scores_say(run: Path) -> None:
    lines = (run / "scores.tex").read_text(encoding="utf-8").splitlines()
    assert lines[0] == r"\begin{tabular}{lrrrr}"
    assert r"en & 4/4 & 100 [51, 100] & 0 [0, 49] & too few prompts \\" in lines
    *rows, judges = [line for line in lines if line.endswith(r"\\")]
    assert all(line.count("&") == 4 for line in rows)
    assert judges == r"\multicolumn{5}{l}{\footnotesize Judge: phrases} \\"
    assert any(line.startswith("% judge: phrases|version:") for line in lines)


def test_the_headline_says_what_cannot_be_concluded(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "n = 4: cannot be concluded" in page
    assert page.count("n = 4 harmful and 4 harmless test prompts a language (under 30") >= 5  # each figure
    assert '<div class="card warn"><b>cannot be concluded</b>' in page


def test_a_language_without_a_direction_is_in_the_headline(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "draw_all", lambda *_: [])
    folder = shutil.copytree(run, tmp_path / "run")
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    for record, status in zip(scores["selection"], ("ineffective", "chosen"), strict=True):
        record["status"] = status
    store.write_json(folder / "scores.json", scores)
    page = write_report([folder], tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<b>1<small> / 2</small></b>" in page and "; ineffective: 1</span>" in page
    scores["selection"][1]["status"] = "no_candidate"
    store.write_json(folder / "scores.json", scores)
    page = write_report([folder], tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<div class="card warn"><b>no direction</b><span>in any source language' in page
    assert "; ineffective: 1, no candidate: 1</span>" in page


def test_names_told_apart_are_not_those_of_other_models() -> None:
    sections = [{"name": name} for name in ("a", "a (2)", "a")]
    assert [section["name"] for section in report._told_apart(sections)] == ["a", "a (2)", "a (3)"]


def test_runs_of_one_model_are_told_apart_and_averages_say_over_what(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "draw_all", lambda *_: [])
    other = shutil.copytree(run, tmp_path / "second")
    page = write_report([run, other], tmp_path / "page.html").read_text(encoding="utf-8")
    assert "How 2 runs refuse" in page
    name = str(re.findall(r'<h2 class="model">(.*?)</h2>', page)[0])
    assert f"<td>{name} (2)<br><small>second</small></td>" in page and f">{name} (2)</h2>" in page
    assert page.count('<td class="n">2</td><td class="n">4</td><td class="n few">') == 2  # languages, prompts of each


def test_all_numbers_of_too_few_prompts_are_grey(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    for title in ("<h3>Controls</h3>", "<summary>Selectivity:", "<summary>Monitor:"):
        body = page.partition(title)[2].partition("<tbody>")[2].partition("</tbody>")[0]
        assert body.count("<tr") == body.count('<tr class="few">') > 0, title


def test_a_run_of_before_the_experiments_has_a_page(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "draw_all", lambda *_: [])
    folder = shutil.copytree(run, tmp_path / "run")
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    for found in ({}, {"clusters": None}):
        (folder / "scores.json").write_text(json.dumps(scores | {"experiments": found}), encoding="utf-8")
        assert "Selectivity" in write_report([folder], tmp_path / "page.html").read_text(encoding="utf-8")
