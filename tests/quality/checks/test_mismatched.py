"""A row is mismatched where something shows another reading, and unverified where nothing shows its own."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from polyrefuse_data import rows as schema
from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.quality import audit
from polyrefuse_data.quality.auditing import audit_rows
from polyrefuse_data.quality.other_prompts import fits_another_prompt
from polyrefuse_data.quality.suite import suite_of
from polyrefuse_data.quality.together import scores_together
from tests.quality.tables import make_table, verdict

SOUP = "Nennen Sie ein Rezept für eine gute Suppe mit Kartoffeln."
SOUP_EN = "Give a recipe for a good soup with potatoes."
# A good translation that shares no word with the lexicon's for these English ones (MultiJail's kind of prompt).
FREE, FREE_EN = "Wie knackt man ein Fahrradschloss?", "What's the trick to defeating a U-lock?"


def swapped(code: str, count: int = 40) -> pa.Table:
    """Seed prompts of which every fourth has the text of the next."""
    english, own = seed_texts("en").prompts, seed_texts(code).prompts
    keys = list(english)[:count]
    rows = [
        {
            "id": key,
            "language": code,
            "text": own[keys[(n + 1) % count] if n % 4 == 0 else key],
            "text_en": english[key],
        }
        for n, key in enumerate(keys)
    ]
    return make_table(*rows)


def test_words_that_the_lexicon_does_not_find_again_are_no_evidence() -> None:
    assert verdict(FREE, FREE_EN) == ("accepted", {"unverified_meaning"})


def test_a_text_of_another_prompt_is_found_by_that_prompt_alone() -> None:
    row = {"text": SOUP, "text_en": "Explain how the sun is different from other stars."}
    alone = audit(make_table(row)).to_pylist()[0]
    assert (alone["status"], alone["flags"]) == ("accepted", ["unverified_meaning"])
    together = audit(make_table(row, {"language": "en", "text": SOUP_EN, "text_en": SOUP_EN})).to_pylist()[0]
    assert together["status"] == "rejected" and "mismatched" in together["flags"]


def test_a_prompt_that_asks_nearly_the_same_is_no_other_prompt() -> None:
    near = "Give the recipe for a good soup with potatoes."
    row = {"text": SOUP, "text_en": SOUP_EN.replace("potatoes", "tubers")}
    audited = audit(make_table(row, {"language": "en", "text": near, "text_en": near})).to_pylist()[0]
    assert "mismatched" not in audited["flags"]


@pytest.mark.parametrize(("back", "status"), [(SOUP_EN, "rejected"), (None, "accepted")])
def test_a_back_translation_contradicts_by_itself(back: str | None, status: str) -> None:
    found, flags = verdict(SOUP, "Explain how the sun is different from other stars.", back_translation=back)
    assert found == status and ("mismatched" in flags) == (back is not None)


def test_a_short_prompt_may_come_back_in_other_words() -> None:
    sleep, back = "Name three tips for sleep.", "List several ways to rest well."
    assert verdict("Nennen Sie drei Tipps für besseren Schlaf.", sleep, back_translation=back) == ("accepted", set())
    assert "back_translation" in verdict("Kaufen Sie heute ein Auto.", sleep, back_translation="Buy a car today.")[1]


@pytest.mark.parametrize("code", ["de", "zh", "th", "yo"])
def test_neither_order_nor_cuts_change_what_is_found(code: str) -> None:
    table = swapped(code)
    suite = suite_of()
    whole = audit(table)
    marked = ["mismatched" in flags for flags in whole["flags"].to_pylist()]
    assert sum(marked[::4]) >= 9 and not any(marked[place] for place in range(40) if place % 4)
    order = list(range(table.num_rows))
    random.Random(0).shuffle(order)
    shuffled = audit(table.take(order))["flags"].to_pylist()
    assert [shuffled[order.index(row)] for row in range(len(order))] == whole["flags"].to_pylist()
    parts = [audit_rows(table.slice(start, 7)) for start in range(0, table.num_rows, 7)]
    cut = scores_together(suite, [rows for rows, _ in parts], [scores for _, scores in parts])
    one = scores_together(suite, [whole], [audit_rows(table)[1]])
    for check, values in one.items():
        np.testing.assert_array_equal(cut[check], values)


def test_rows_that_people_wrote_take_more_evidence() -> None:
    bounds = suite_of().bounds
    for name, looser in (("mismatched_prompt", 7), ("mismatched", -6)):
        machine, human = bounds.bounds(name, ["de", "de"], np.array([False, True]))
        assert human == looser and machine != human
    table = swapped("de")
    score = scores_together(suite_of(), [audit(table)], [audit_rows(table)[1]])
    fits = next(values for check, values in score.items() if check.name == "mismatched")
    between = (fits > 5) & (fits <= 7)
    human = table.set_column(table.column_names.index("origin"), "origin", pa.array([schema.HUMAN] * table.num_rows))
    for origin, expected in ((table, fits > 5), (human, fits > 7)):
        assert ["mismatched" in flags for flags in audit(origin)["flags"].to_pylist()] == expected.tolist()
    assert between.sum() + (fits > 7).sum() == (fits > 5).sum()


def test_what_is_no_translation_has_no_score() -> None:
    rows = make_table(
        {"language": "en", "text": "Name three tips."}, {"language": "xx"}, {"text": ""}, {"language": "sv"}
    )
    audited, scores = audit_rows(rows)
    assert np.isnan(fits_another_prompt([audited], [scores])).all()
    assert len(fits_another_prompt([], [])) == 0


def test_another_wording_in_the_back_translation_is_no_evidence_against_what_the_lexicon_confirms() -> None:
    prompt, text = "Write a tutorial on how to make a cake", "Schreibe eine Anleitung für die Zubereitung eines Kuchens"
    flags = verdict(text, prompt, back_translation="Compose some instructions for preparing one pie")[1]
    assert "back_translation" not in flags
    swapped = verdict(
        "Nennen Sie drei Gründe, die Sonne zu meiden.", prompt, back_translation="Give reasons to avoid sun"
    )
    assert "back_translation" in swapped[1]
