"""Rates by what a prompt is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.benchmark import judge_run, write_report
from polyrefuse_data.benchmark.breakdowns import breakdowns
from polyrefuse_data.benchmark.statistics import wilson_interval
from tests.benchmark.conftest import WORLD, world_rows, write_release_of


def reply(number: int, **other: Any) -> dict[str, Any]:
    made = {"id": f"p{number}", "label": "harmful", "source": "advbench", "category": "theft", "origin": "machine"}
    return {**made, "prompt_en": "x" * (number + 1), "refusal": False, "compliance": True, **other}


def test_rates_by_category_and_set_have_their_n_and_interval() -> None:
    replies = [
        *(reply(n, category="drugs", source="harmbench", refusal=True, compliance=False) for n in range(40)),
        *(reply(n + 40, refusal=n < 5, compliance=n >= 5) for n in range(10)),
    ]
    found = {(row["by"], row["value"]): row for row in breakdowns({"de": replies})}
    drugs, theft = found["category", "drugs"], found["category", "theft"]
    assert (drugs["n"], drugs["refusal"], drugs["compliance"], drugs["concludes"]) == (40, 1.0, 0.0, True)
    assert (theft["n"], theft["refusal"], theft["concludes"]) == (10, 0.5, False)
    assert (theft["refusal_low"], theft["refusal_high"]) == wilson_interval(0.5, 10)
    assert found["prompt set", "harmbench"]["n"] == 40
    assert not [name for name in found if name[0] == "origin"]  # all are of one


def test_levels_of_harm_are_told_apart_from_categories_and_in_order() -> None:
    levels = {"theft, level 10": True, "theft, level 2": False, "drugs, level 2": True, "level 1-low": False}
    replies = [reply(n, category=category, refusal=refuses) for n, (category, refuses) in enumerate(levels.items())]
    rows = breakdowns({"de": replies})
    told = {
        by: [(row["value"], row["n"], row["refusal"]) for row in rows if row["by"] == by]
        for by in ("harm level", "category")
    }
    assert told == {
        "harm level": [("1-low", 1, 0.0), ("2", 2, 0.5), ("10", 1, 1.0)],
        "category": [("drugs", 1, 1.0), ("theft", 2, 0.5)],
    }
    assert not [row for row in breakdowns({"de": [reply(1), reply(2)]}) if row["by"] == "harm level"]


def test_lengths_are_the_same_prompts_in_every_language() -> None:
    german, english = [reply(n) for n in range(30)], [reply(n) for n in range(29)]
    rows = [row for row in breakdowns({"de": german, "en": english}) if row["by"] == "length"]
    told = {(row["language"], row["value"]): row["n"] for row in rows}
    thirds = ["under 11", "11 to 20", "21 and more"]  # in this order
    assert list(told) == [(code, third) for code in ("de", "en") for third in thirds]
    assert list(told.values()) == [10, 10, 10, 10, 10, 9]


def test_who_translated_is_told_apart_and_labels_are_not_mixed() -> None:
    replies = [
        reply(1),
        reply(2, origin="human", refusal=True, compliance=False),
        reply(3, label="harmless", origin="human"),
    ]
    rows = [row for row in breakdowns({"de": replies}) if row["by"] == "origin"]
    assert [(row["label"], row["value"], row["n"], row["refusal"]) for row in rows] == [
        ("harmful", "human", 1, 1.0),
        ("harmful", "machine", 1, 0.0),
    ]


def test_earlier_runs_have_what_they_kept() -> None:
    kept = {"label", "source", "id", "refusal", "compliance"}
    old = [{name: value for name, value in reply(n, source=f"s{n}").items() if name in kept} for n in range(2)]
    assert {row["by"] for row in breakdowns({"de": old})} == {"prompt set"}


@pytest.mark.usefixtures("no_figures")
def test_a_run_and_its_report_tell_them(tmp_path: Path) -> None:
    rows = world_rows(("en", "de"))
    for number, row in enumerate(rows):
        row["category"] = "one" if number % 4 < 2 else "two"
    release = write_release_of(rows, tmp_path)
    told = [
        {"id": row["id"], "language": row["language"], "reply": WORLD[row["language"]].refusal}
        for row in rows
        if row["split"] == "test"
    ]
    file = tmp_path / "r.jsonl"
    file.write_text("".join(json.dumps(reply) + "\n" for reply in told), encoding="utf-8")
    run = judge_run(file, release, tmp_path / "run")
    scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    assert {(row["language"], row["by"]) for row in scores["breakdowns"]} == {
        *((code, name) for code in ("en", "de") for name in ("category", "length")),
        ("de", "translation"),
    }
    assert {row["refusal"] for row in scores["breakdowns"]} == {1.0}
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "By category, harm level, prompt set, length, origin and translation" in page
    del scores["breakdowns"]  # as an earlier version wrote them
    (run / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    assert "By category" not in write_report([run], tmp_path / "old.html").read_text(encoding="utf-8")
