"""Planted corruptions on the published rows: what the checks catch, and what they cost, in every language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from corruptions import CORRUPTIONS, Corpus, corpus, plant

from polyrefuse_data import rows as schema
from polyrefuse_data.quality import audit
from tests.conftest import TARGETS

# About so many rows of each kind and language. The whole set, where 0.98 are caught, is measured by
# benchmarks/quality.py; a sample of this size may be two hundredths off.
ROWS = 200
MOST_LOST, LEAST_CAUGHT, LEAST_CAUGHT_OF_HARD_KINDS = 0.01, 0.96, 0.90
# `make test` takes three languages, and of each kind so many rows that two of them are SLACK.
QUICK, QUICK_ROWS, SLACK = ("de", "th"), 30, 2 / 30

each_language = pytest.mark.parametrize(
    "language", [pytest.param(code, marks=[] if code in QUICK else pytest.mark.slow) for code in TARGETS]
)


@pytest.fixture(scope="module")
def good(published: list[dict[str, Any]]) -> Corpus:
    return corpus(published)


def rejected_share(rows: list[dict[str, Any]], prompts: Iterable[str] = ()) -> float:
    """Of the rows, in a set that also has these prompts."""
    english = [{"id": prompt, "language": "en", "text": prompt, "text_en": prompt} for prompt in prompts]
    status = audit(schema.table_from_rows([*rows, *english]))["status"].to_pylist()[: len(rows)]
    return status.count("rejected") / len(status)


@each_language
def test_untouched_rows_are_kept(good: Corpus, language: str) -> None:
    assert rejected_share(list(good.by_language[language])) <= MOST_LOST


@pytest.mark.slow
@pytest.mark.parametrize("language", TARGETS)
def test_planted_corruptions_are_caught(good: Corpus, language: str) -> None:
    assert_caught(good, language, ROWS)


@pytest.mark.parametrize("language", QUICK)
def test_planted_corruptions_are_caught_in_a_few_rows(good: Corpus, language: str) -> None:
    assert_caught(good, language, QUICK_ROWS, SLACK)


def assert_caught(good: Corpus, language: str, rows: int, slack: float = 0.0) -> None:
    prompts = {row["text_en"] for row in good.by_language[language]}
    for kind in CORRUPTIONS:
        bad = list(plant(good, kind, language))
        if bad:
            caught = rejected_share(bad[:: max(1, len(bad) // rows)], prompts)
            assert caught >= (LEAST_CAUGHT if kind.gross else LEAST_CAUGHT_OF_HARD_KINDS) - slack, kind.name


def test_the_generator_gives_the_same_rows_for_the_same_seed(good: Corpus) -> None:
    kind = next(kind for kind in CORRUPTIONS if kind.name == "half_translated")
    first, again, other = (list(plant(good, kind, "zh", seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_yiddish_in_place_of_yoruba_is_rejected() -> None:
    rows = [
        {
            "id": "a",
            "language": "yo",
            "text": "זאָגט מיר ווי אזוי צו שלאָפן בעסער ביי נאַכט.",
            "text_en": "Tell me how to sleep.",
        }
    ]
    assert rejected_share(rows) == 1.0
