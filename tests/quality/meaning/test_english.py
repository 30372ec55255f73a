"""The quick ways to read an English text say what the slow ones do."""

from __future__ import annotations

import random
import re

import pytest

from polyrefuse_data.languages.lexicon.units import english_words
from polyrefuse_data.quality.meaning.english import English
from polyrefuse_data.quality.meaning.polarity import _IDIOM, _NEGATION, count

PIECES = (
    "don't", "Not", "never'll", "it's", "'quoted'", "o'not", "cannot", "not_one", "3rd", "x2y", "naïve", "don’t", "İt",
    "no.", "no-one", "nothing but", "without", "ISNT", "\n", " ", "12", "-", "_", "'", "’", "ſ", "é",
)  # fmt: skip


def _texts() -> list[str]:
    chance = random.Random(0)
    return ["".join(chance.choices([*PIECES, " ", " "], k=chance.randint(1, 9))) for _ in range(3000)]


def test_words_of_plain_ascii_are_those_of_the_expression() -> None:
    for text in _texts():
        assert English(text).words == re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower().replace("’", "'"))
        assert list(english_words(text)) == re.findall(r"[a-z]+|\d+", text.lower())


def test_a_text_without_a_negating_word_has_no_negation() -> None:
    counts = [count(English(text)) for text in _texts()]
    assert counts == [len(_NEGATION.findall(_IDIOM.sub(" ", English(text).lowered))) for text in _texts()]
    assert {0, 1, 2} <= set(counts)


@pytest.mark.parametrize(("text", "denied"), [("It is not easy.", {"easy"}), ("It is noteworthy", set())])
def test_words_after_a_negation(text: str, denied: set[str]) -> None:
    assert English(text).denied == denied
