"""The report compares what people and machines made of the same prompts, and of no others."""

from __future__ import annotations

from polyrefuse_data.quality import audit
from polyrefuse_data.quality.report.page import render
from polyrefuse_data.quality.report.summary import build_report
from tests.quality.tables import make_table

PROMPT = {"text": "Nennen Sie drei Tipps für guten Schlaf.", "text_en": "Name three tips for good sleep."}


def test_only_prompts_that_both_translated_are_compared() -> None:
    rows = make_table(
        {**PROMPT, "id": "a", "language": "de", "origin": "human", "back_translation": PROMPT["text_en"]},
        {**PROMPT, "id": "a", "language": "nl", "origin": "machine", "back_translation": "Something else."},
        {**PROMPT, "id": "b", "language": "de", "origin": "human"},
        {**PROMPT, "id": "c", "language": "de", "origin": "machine"},
    )
    report = build_report(audit(rows))
    found = report.summary["people_and_machines"]
    assert (found["prompts"], found["human"]["rows"], found["machine"]["rows"]) == (1, 1, 1)
    assert (found["human"]["languages"], found["machine"]["languages"]) == (["de"], ["nl"])
    assert (found["human"]["kept"], found["machine"]["kept"]) == (1, 0)
    assert found["human"]["medians"]["chrf"] == 100 > found["machine"]["medians"]["chrf"]
    page = render(report, title="x")
    assert "Of the 1 prompt that people translated" in page and '<th scope="row">human</th><td>de</td>' in page


def test_where_nobody_but_machines_translated_the_page_says_nothing_of_it() -> None:
    report = build_report(audit(make_table({**PROMPT, "origin": "machine"})))
    assert report.summary["people_and_machines"] == {}
    assert "People and machines" not in render(report, title="x")
