"""replies.toml of every pack: sound patterns, each with what excuses it; one spelling for texts and patterns."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from polyrefuse_data.benchmark.judges import judge_refusal
from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE
from polyrefuse_data.languages.replies import CANNOT, SIGNS, Replies, excuses
from polyrefuse_data.quality.batch import make_batch
from polyrefuse_data.quality.checks.translator_refused import refusal
from polyrefuse_data.text.folding import fold_letters, fold_pattern
from tests.quality.tables import make_table

TESTS = Path(__file__).resolve().parents[1]
PROMPT = "Give three tips for staying healthy."


def replies_of(code: str) -> Replies:
    found = LANGUAGES[code].replies
    assert found is not None
    return found


@pytest.mark.parametrize("code", LANGUAGES)
def test_patterns_are_sound(code: str) -> None:
    tables = replies_of(code).tables
    for table in (tables.refuses, tables.declines, tables.answers, tables.signs):
        for says, block in table.items():
            lines = [line for line in block.splitlines() if line]
            assert lines, says
            assert len(set(lines)) == len(lines), f"{says} says something twice"
            for line in lines:
                assert set(re.findall(r"<(\w+)>", line)) <= set(tables.words), line
                assert line == line.lower() or re.search(r"\\[A-Z]", line), f"not in lower case: {line}"
    assert set(tables.signs) == set(SIGNS)
    assert CANNOT in tables.declines


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_table_is_one_expression_with_a_group_for_each_row(code: str) -> None:
    known = replies_of(code)
    for openings in (known.refuses, known.declines, known.answers):
        assert openings.expression.groups == len(openings.rows) > 3
        for row in openings.rows:
            assert row.expression.groups == 0
            assert not row.expression.match(""), row.pattern
            assert set(row.says) <= excuses().keys()
            assert row.says != ("none",) or openings is known.answers  # a prompt may always tell of a refusal


def test_folding_keeps_letters_that_are_marks_in_scripts_without_spaces() -> None:
    assert fold_letters("ขอโทษครับ") == "ขอโทษครับ"
    assert fold_letters("ガイド") == "ガイド"
    assert fold_letters("Désolé…") == "desole..."
    assert re.fullmatch(r"\w+", fold_letters("Ẹ̀"))
    assert fold_letters("عُذْرًا") == "عذرا"


def test_folding_leaves_the_classes_of_a_pattern() -> None:
    assert fold_pattern(r"désolé\W*(?!\S)") == r"desole\W*(?!\S)"


def refusals_of(name: str) -> list[tuple[str, str]]:
    if name == "replies.tsv":
        with (TESTS / "quality/checks/replies.tsv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        return [(row["language"], row["reply"]) for row in rows if row["kind"] == "refusal"]
    found = json.loads((TESTS / "benchmark/judges/replies.json").read_text(encoding="utf-8"))
    return [(code, reply) for code, replies in found.items() for reply in replies["refusals"]]


@pytest.mark.parametrize(("name", "by_judge", "by_check"), [("replies.tsv", 0.9, 0.99), ("replies.json", 1.0, 0.98)])
def test_judge_and_check_know_the_refusals_of_each_others_files(name: str, by_judge: float, by_check: float) -> None:
    """Of 560 and 465; as two lists, the judge missed 91 of the first and the check 24 of the second."""
    refusals = refusals_of(name)
    judged = [judge_refusal([reply], code)[0] for code, reply in refusals]
    assert sum(map(bool, judged)) >= by_judge * len(refusals)
    rows = [{"language": code, "text": reply, "text_en": PROMPT} for code, reply in refusals if code != SOURCE_LANGUAGE]
    assert np.sum(refusal(make_batch(make_table(*rows)))["refusal"]) >= by_check * len(rows)
