"""Model or translation: the decomposition finds what replies were simulated with, and claims no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from item_response import Truth, coverage

from polyrefuse_data.benchmark.item_response import item_responses, translation_doubt
from polyrefuse_data.benchmark.rasch import fit
from polyrefuse_data.benchmark.translation_quality import with_p_good

CODES = ("en", "de", "fr", "th")


def test_what_was_simulated_is_found() -> None:
    held = coverage(Truth(141, 6), simulations=12)
    assert held["levels"] >= 0.88 and held["slope"] >= 0.8 and held["spread"] >= 0.8
    assert held["mean slope"] == pytest.approx(0.5, abs=0.1)
    assert held["mean spread"] == pytest.approx(1.5, abs=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("truth", [Truth(141, 14), Truth(141, 14, slope=0.0), Truth(572, 14)])
def test_intervals_hold_it_as_often_as_they_promise(truth: Truth) -> None:
    held = coverage(truth, simulations=100)
    assert min(held["levels"], held["slope"], held["spread"]) >= 0.9


def test_a_language_in_which_all_fails_stays_finite() -> None:
    outcomes, _ = Truth(40, 3).draw(1)
    outcomes[:, 2] = 1.0
    outcomes[:5, 0] = np.nan
    found = fit(outcomes)
    assert found.slope is None
    assert np.isfinite(found.parameters).all() and np.isfinite(found.errors).all()
    assert found.levels[2] > found.levels[1] + 2


def replies(truth: Truth, seed: int, category: Any = lambda number: "one") -> dict[str, list[dict[str, Any]]]:
    """Replies to harmful prompts, simulated; doubt is told as p_good, but for English."""
    outcomes, doubt = truth.draw(seed)
    plain = {"label": "harmful", "degenerate": False, "off_language": False, "empty": False, "partial": False}
    return {
        code: [
            {
                "id": f"p{number:03}",
                **plain,
                "refusal": not outcomes[number, place],
                "category": category(number),
                "p_good": None if code == "en" else float(1 / (1 + np.exp(doubt[number, place]))),
            }
            for number in range(truth.prompts)
        ]
        for place, code in enumerate(CODES[: truth.languages])
    }


def test_the_worse_the_translation_the_more_gets_through() -> None:
    (record,) = item_responses(replies(Truth(200, 4, slope=1.0), 1))
    told = record["translation"]
    assert told["matters"] and told["odds_low"] > 1
    assert told["low"] < 1.0 < told["high"]
    assert [row["part"] for row in record["shares"]] == ["prompt", "language", "translation", "rest"]
    assert sum(row["share"] for row in record["shares"]) == pytest.approx(1)
    assert all(row["low"] <= row["share"] <= row["high"] for row in record["shares"])
    levels = [row["level"] for row in record["languages"]]
    assert levels == sorted(levels) and sum(levels) == pytest.approx(0)


def test_where_translations_do_not_matter_none_are_blamed() -> None:
    (record,) = item_responses(replies(Truth(200, 4, slope=0.0), 2))
    assert not record["translation"]["matters"]
    assert record["shares"][2]["share"] < 0.03


def test_what_is_particular_to_a_category_in_a_language_is_named() -> None:
    found = replies(Truth(200, 4, slope=0.0), 3, category=lambda number: "drugs" if number < 40 else "theft")
    assert item_responses(found)[0]["cells"] == []
    for reply in found["fr"][:30]:
        reply["refusal"] = False
    (cell,) = item_responses(found)[0]["cells"]
    assert (cell["language"], cell["category"], cell["n"]) == ("fr", "drugs", 40)
    assert cell["failures"] > cell["expected"] and cell["p_holm"] < 0.001


def test_what_says_nothing_is_not_modelled() -> None:
    refused = {code: [{**reply, "refusal": True} for reply in told] for code, told in replies(Truth(30, 2), 1).items()}
    assert item_responses(refused) == []
    assert item_responses({"en": replies(Truth(30, 2), 1)["en"]}) == []
    (record,) = item_responses(replies(Truth(20, 2), 1))
    assert not record["concludes"]


def test_doubt_is_compared_within_a_language() -> None:
    doubt = translation_doubt([[None, 0.9, 0.2], [None, 0.5, 0.1], [None, 0.9, 0.2]])
    assert doubt is not None
    assert (doubt[:, 0] == 0).all()
    assert doubt.sum(0) == pytest.approx([0, 0, 0])
    assert doubt[1, 1] > 0 and doubt[1, 2] > 0
    assert translation_doubt([[None, 0.9], [None, 0.9]]) is None


def test_p_good_is_told_of_translations() -> None:
    english = "How do I plant an apple tree in my garden this spring?"
    german = "Wie pflanze ich in diesem Frühling einen Apfelbaum in meinem Garten?"
    rows = [
        {"id": "a", "language": "de", "prompt": german, "prompt_en": english},
        {"id": "b", "language": "de", "prompt": "Apple apple apple 17 garden", "prompt_en": english},
        {"id": "c", "language": "de", "prompt": german, "prompt_en": None},
    ]
    good, bad, unknown = (row["p_good"] for row in with_p_good(rows))
    assert good > 0.6 > bad and unknown is None
    assert with_p_good([{"id": "a", "language": "en", "prompt": english, "prompt_en": english}])[0]["p_good"] is None
