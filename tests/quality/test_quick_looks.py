"""Quick looks spare most texts a slow search. None of them may hide what the search would find."""

from __future__ import annotations

import random
import re
import sys

import pytest

from polyrefuse_data.quality.checks.hidden_characters import _CONTROL, _CYRILLIC, _suspects
from polyrefuse_data.quality.checks.preserved import _BRACKETED, _lost_brackets
from polyrefuse_data.quality.checks.script import _share_of_words, share
from polyrefuse_data.quality.numbers.asked import _CARDINAL_SOMEWHERE, asks_words
from polyrefuse_data.text import mojibake
from polyrefuse_data.text.invisible import INVISIBLE
from polyrefuse_data.text.loops import repeated_share
from polyrefuse_data.text.spans import SPAN, spans

PIECES = (
    "one", "Twenty-One", "bone", "some one's", "IV", "XIV_", "xIV", "MIX", "{name}", "$CITY", "$5", "__a__", "[[x]]",
    "%s", "www.a.org", "a@b.org", "`x`", "<b>", "[NAME]", "【名】", "Straße", "한국", "日本語",
    "мир", "cafés", "12", "'", "_", " - ", "٣",
)  # fmt: skip


def _texts(count: int = 2000) -> list[str]:
    chance = random.Random(0)
    return ["".join(chance.choices([*PIECES, " ", " ", " "], k=chance.randint(1, 9))) for _ in range(count)]


def test_characters_that_nobody_looks_for_are_harmless() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    second = re.compile(mojibake._CONTINUATION)
    assert _suspects() == frozenset().union(*(look.findall(every) for look in (INVISIBLE, _CONTROL, _CYRILLIC, second)))


def test_spans_and_brackets_are_found_as_by_their_expressions() -> None:
    for text in _texts():
        assert spans(text) == SPAN.findall(text)
        assert _lost_brackets("", text) == len(_BRACKETED.findall(text))


def test_numbers_in_words_are_found_as_by_their_expressions() -> None:
    found = [asks_words(text) for text in _texts()]
    roman = re.compile(r"\b[IVX]{2,4}\b")
    assert found == [bool(_CARDINAL_SOMEWHERE.search(text.lower()) or roman.search(text)) for text in _texts()]
    assert {True, False} == set(found)


def test_questions_are_found_as_by_the_plain_expression() -> None:
    plain = re.compile(
        rf"(?<=[{mojibake._ALPHABETIC}])\?(?=[a-z\u00df-\u00ff\u0430-\u045f])|\?{{2,}}(?={mojibake._LETTER})"
    )
    chance = random.Random(1)
    for _ in range(2000):
        text = "".join(chance.choices("aéЖяз? .??", k=12))
        assert mojibake._QUESTIONED.findall(text) == plain.findall(text)


@pytest.mark.parametrize("window", [4, 10])
def test_no_repeated_window_is_overlooked(window: int) -> None:
    chance = random.Random(2)
    shares = []
    for _ in range(2000):
        text = "".join(chance.choices("abcdefgh", k=chance.randint(0, 30)))
        text += text[: chance.randint(0, 14)] + chance.choice("xyz")
        windows = [text[start : start + window] for start in range(len(text) - window + 1)]
        shares.append(1 - len(set(windows)) / len(windows) if windows else 0.0)
        assert repeated_share(text, window) == pytest.approx(shares[-1])
    assert min(shares) == 0 < max(shares)


@pytest.mark.parametrize("scripts", [{"Latin"}, {"Hangul"}, {"Han", "Hiragana", "Katakana"}])
def test_letters_that_are_all_of_the_script_need_no_closer_look(scripts: set[str]) -> None:
    rows = [(text, source) for text in _texts() for source in ("Name one", "", "1 café") if not text.isascii()]
    found = [share(*row, frozenset(scripts)) for row in rows]
    assert found == [_share_of_words(*row, frozenset(scripts)) for row in rows]
    assert 1.0 in found
