"""The numbers behind the report: tries, sweeps, reasons, and which rows are shown."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyrefuse_data.quality import audit, check, write_report
from polyrefuse_data.quality.report import scores, worst
from polyrefuse_data.quality.report.summary import build_report
from polyrefuse_data.system.files import write_table
from polyrefuse_data.translation.attempts import ATTEMPT_SCHEMA
from polyrefuse_data.workspace import Workspace
from tests.quality.tables import make_table


def numbered(count: int) -> pa.Table:
    """German rows whose lengths differ, every tenth left in English."""
    german = [f"Nennen Sie {n} Tipps für {'sehr ' * (n % 9)}guten Schlaf." for n in range(count)]
    english = [f"Name {n} tips for {'very ' * (n % 9)}good sleep." for n in range(count)]
    texts = [source if n % 10 == 0 else text for n, (text, source) in enumerate(zip(german, english, strict=True))]
    return audit(make_table(*({"text": a, "text_en": b} for a, b in zip(texts, english, strict=True))))


def tries(*told: tuple[str, int, str, str, list[str]]) -> pa.Table:
    """A table of tries from (id, attempt, translator, outcome, reasons); accepted ones are kept."""
    records: list[dict[str, Any]] = [
        {"id": id, "language": "de", "label": "harmful", "category": "fraud", "attempt": number,
         "translator": translator, "outcome": outcome, "reasons": reasons, "kept": outcome == "accepted"}
        for id, number, translator, outcome, reasons in told
    ]  # fmt: skip
    return pa.Table.from_pylist(records, schema=ATTEMPT_SCHEMA)


def test_what_repair_won_is_told_from_what_a_fall_back_won() -> None:
    attempts = tries(
        ("b", 2, "nllb", "accepted", []),  # in no order
        ("a", 1, "api", "failed", ["content_filter"]),
        ("a", 2, "nllb", "accepted", []),
        ("b", 1, "api", "rejected", ["length_ratio"]),
        ("c", 1, "api", "failed", ["http_500"]),
        ("c", 2, "nllb", "rejected", ["script"]),
        ("c", 3, "other", "accepted", []),
        ("d", 1, "api", "rejected", ["translator_answered"]),
        ("d", 2, "nllb", "rejected", ["script"]),
        ("e", 1, "api", "accepted", []),
    )
    summary = build_report(audit(make_table({})), attempts=attempts).summary
    found = summary["engines"]["nllb"]
    assert (found["fall_backs"], found["won_by_fall_back"]) == (2, 1)
    assert (found["repairs"], found["won_by_repair"]) == (2, 1)
    assert (summary["engines"]["other"]["repairs"], summary["engines"]["other"]["won_by_repair"]) == (1, 1)
    assert summary["engines"]["api"]["declined"] == 2
    assert summary["engines"]["api"]["failures"] == {"content_filter": 1, "http_500": 1}
    expected = {"rows": 5, "tries": 10, "declined": 2, "fell_back": 4, "won_back": 3, "lost": 1}
    assert summary["refusals"] == {"fraud": expected}
    assert summary["refusals_by_language"] == {"de": expected}


def test_an_imports_flags_tell_its_refusals() -> None:
    said = "Es tut mir leid, aber dabei kann ich nicht helfen."
    rows = [{"text": said, "category": "fraud"}, {"category": "fraud"}, {"language": "en", "text": "Name three tips."}]
    found = build_report(audit(make_table(*rows))).summary["refusals"]
    assert found == {"fraud": {"rows": 2, "tries": 2, "declined": 1, "fell_back": 0, "won_back": 0, "lost": 1}}


def test_a_sweep_counts_exactly_what_its_bound_rejects() -> None:
    table = numbered(60)
    ratios = np.array(table["length_ratio"].to_pylist())
    sweep = next(sweep for sweep in build_report(table).sweeps if sweep.threshold == "length_ratio_min")
    assert sweep.rejected["de"] == [int((ratios < np.float32(step)).sum()) for step in sweep.steps]


def test_a_score_on_its_bound_is_not_beyond_it() -> None:
    assert scores._beyond(np.array([0.8], np.float32), np.array([0.8], np.float32), is_floor=False) == [0]
    assert scores._beyond(np.array([0.2], np.float32), np.array([0.2], np.float32), is_floor=True) == [0]


def test_kept_scores_are_swept_without_a_check_being_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Workspace(tmp_path)
    write_table(numbered(200), folder.rows)
    check(folder, progress=False)
    monkeypatch.setattr("polyrefuse_data.quality.score_table.scorer", None)
    monkeypatch.setattr("polyrefuse_data.quality.score_table.make_batch", None)
    write_report(folder)
    swept = json.loads((folder.report / "summary.json").read_text(encoding="utf-8"))["sweeps"]
    assert {"length_ratio_min", "unverified_meaning", "related_language"} <= set(swept)
    scores = pq.read_table(folder.scores)
    odds = np.array(scores["correspondence"].to_pylist(), dtype=float)
    steps = swept["unverified_meaning"]["steps"]
    for step, count in zip(steps, swept["unverified_meaning"]["rejected"]["de"], strict=True):
        assert abs(count - int((odds < step).sum())) <= int((np.abs(odds - step) < 1e-5).sum())
    folder.scores.unlink()
    write_report(folder)
    swept = json.loads((folder.report / "summary.json").read_text(encoding="utf-8"))["sweeps"]
    assert "length_ratio_min" in swept and "unverified_meaning" not in swept  # what the rows hold themselves


def test_bounds_that_nothing_is_beyond_leave_json_that_every_reader_takes(tmp_path: Path) -> None:
    folder = Workspace(tmp_path)
    bounds = {"thresholds": {"length_ratio_max": math.inf, "repetition": {"de": math.inf}}}
    write_table(audit(numbered(30), bounds), folder.rows)
    write_report(folder)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    summary = json.loads((folder.report / "summary.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert summary["thresholds"]["length_ratio_max"]["bounds"] == {"de": None}


def test_reasons_that_stand_alone_are_counted() -> None:
    table = audit(make_table({"text": ""}, {"text": "Name three tips for a better sleep at night."}, {}))
    found = build_report(table).summary["thresholds"]
    assert found["empty"]["rejected_by_it_alone"] == 1
    assert (found["untranslated"]["flagged"], found["untranslated"]["rejected_by_it_alone"]) == (1, 0)


def test_each_kind_of_trouble_is_shown_where_not_all_rows_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worst, "MOST_ROWS_SHOWN", 25)
    rows = [{"text": ""} for _ in range(60)] + [{"text": "Nenne (drei Tipps für einen besseren Schlaf in der Nacht."}]
    report = build_report(audit(make_table(*rows)))
    assert report.to_look_at == 61
    assert len(report.rows) == 25
    assert "punctuation" in {flag for row in report.rows for flag in row["flags"]}


def test_rows_that_were_taken_for_another_language_are_shown_though_no_flag_says_so() -> None:
    table = audit(make_table({}, {}))
    place = table.column_names.index("detected_language")
    taken = table.set_column(place, table.schema.field(place), pa.array(["de", "af"], pa.string()))
    assert [row["id"] for row in build_report(taken).rows] == ["own-1"]


@pytest.mark.parametrize("column", ["id", "language", "split", "text", "text_en", "translator", "category"])
def test_text_that_is_no_utf8_is_reported_like_other_text(tmp_path: Path, column: str) -> None:
    table = make_table({}, {"text": ""})
    broken = [(value or "").encode() + b"\xed\xa0\x80" for value in table[column].to_pylist()]
    folder = Workspace(tmp_path)
    place = table.column_names.index(column)
    write_table(audit(table.set_column(place, column, pa.array(broken, pa.binary()).view(pa.string()))), folder.rows)
    assert "</html>" in write_report(folder).read_text(encoding="utf-8")
