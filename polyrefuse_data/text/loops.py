"""Loops: text that repeats itself over and over. Case and spaces do not count.

Three signs. Short windows of letters recur: `repeated_share`. A text ends in a loop, however long it was before: a few
letters many times in succession, or one long unit four times over: `is_loop`. And one stretch of it goes round in
circles ("a shell is a shell, which is a shell"), even if no two rounds are alike: `goes_in_circles`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

LONGEST_TEXT = 20_000  # characters that are looked at; no prompt or reply is longer, a broken one may be

# Windows this long hardly ever come twice in an ordinary sentence; short ones where a character is a syllable or word.
_WINDOW, _DENSE_WINDOW = 10, 4
_DENSE = re.compile("[^\x00-\u3000]")  # characters that are syllables or words

# Up to 20 letters at least six times in succession; dots, dashes, digits and blanks to fill in may go on for ever.
_LONGEST_UNIT = 20
_SUCCESSION = re.compile(rf"(?=[^ -@\[-`{{-~\u2010-\u2027\u3000-\u303f])(.{{1,{_LONGEST_UNIT}}}?)\1{{5,}}")
_LEAST_REPEATED = 2  # windows, without which no succession is looked for


class _Circle(NamedTuple):
    """Windows that come again within a round, so many in one stretch that the text goes round in circles; all in
    letters."""

    window: int
    round: int
    stretch: int
    most: int


# Of a phrase and of a sentence: a sentence may be said twice, and lists ("2 cups of", "1 cup of") come near a phrase.
# The smaller ones are for characters that are syllables or words, those of Thai for letters without spaces between
# words. docs/judges.md has the rates.
_CIRCLES = (_Circle(6, 50, 80, 24), _Circle(6, 120, 200, 90))
_DENSE_CIRCLES = (_Circle(3, 40, 60, 15), _Circle(3, 80, 120, 45))
_THAI_CIRCLES = (_Circle(4, 50, 80, 18), _Circle(6, 120, 200, 90))
_THAI = re.compile("[\u0e01-\u0e5b]")
# Of a text that is shorter than a stretch, but not than so many letters, this share of windows: of 11,000 prompts,
# replies and sentences, seven are above it.
_SHORT_CIRCLE, _SHORT_SHARE = 20, 0.3
# The same in words, which in Yoruba come again up to seven times in ten. Of so few words as a whole, half are enough.
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*")
_WORDS, _FEW_WORDS = _Circle(1, 8, 10, 7), (8, 12)

_SHORT = 1_000  # letters; the time to look for blocks grows with the square
_LONGEST_PERIOD = 300  # letters of a unit that a text ends on four times over


def repeated_share(text: str, window: int | None = None) -> float:
    """Share of windows of `window` letters that occurred before; the default size suits the script."""
    return _repeated(_letters(text), window or _window(text))[1]


def is_loop(text: str, least_letters: int) -> bool:
    """Whether a text ends in a loop of at least this many letters."""
    letters, window = _letters(text), _window(text)
    if _repeated(letters, window)[0] < _LEAST_REPEATED:
        return False
    if _repeats_at_once(letters, window) and any(
        len(found.group()) >= least_letters for found in _SUCCESSION.finditer(letters)
    ):
        return True
    return _ends_in_a_loop(letters)


def goes_in_circles(text: str) -> bool:
    """Whether one stretch of the text says the same over and over, if not in the same words each time. Only letters
    count, with their vowel signs: numbers and punctuation recur in every list and table."""
    letters = "".join(char for char in text[:LONGEST_TEXT].casefold() if unicodedata.category(char)[0] in "LM")
    if any(_goes_round(letters, circle) for circle in _circles(text)):
        return True
    words = _WORD.findall(text[:LONGEST_TEXT].casefold())
    again = _densest(words, _WORDS)
    return again > _WORDS.most or (_FEW_WORDS[0] <= len(words) <= _FEW_WORDS[1] and 2 * again > len(words))


def _circles(text: str) -> tuple[_Circle, ...]:
    if _is_mostly(_DENSE, text):
        return _DENSE_CIRCLES
    return _THAI_CIRCLES if _is_mostly(_THAI, text) else _CIRCLES


def _goes_round(letters: str, circle: _Circle) -> bool:
    most = circle.most
    if _SHORT_CIRCLE <= len(letters) < circle.stretch:
        most = min(most, int(_SHORT_SHARE * (len(letters) - circle.window + 1)))
    return _densest(letters, circle) > most


def _densest(letters: Sequence[str], circle: _Circle) -> int:
    """The most windows of any stretch that come again within a round."""
    last: dict[Sequence[str], int] = {}
    again: list[bool] = []
    within = most = 0
    for start in range(len(letters) - circle.window + 1):
        piece = letters[start] if circle.window == 1 else letters[start : start + circle.window]
        again.append(piece in last and start - last[piece] <= circle.round)
        last[piece] = start
        within += again[-1] - (start >= circle.stretch and again[start - circle.stretch])
        most = max(most, within)
    return most


@lru_cache(maxsize=4096)  # a prompt comes once for each language, and its share is asked before its loop
def _repeated(letters: str, window: int) -> tuple[int, float]:
    """How many windows occurred before, and their share."""
    count = len(letters) - window + 1
    if count < 2 or not _may_repeat(letters, window):
        return 0, 0.0
    repeated = count - len({letters[start : start + window] for start in range(count)})
    return repeated, repeated / count


def _may_repeat(letters: str, window: int) -> bool:
    """Whether a window may come twice. Each holds a block that begins at a multiple of half a window, so that none does
    where no such block comes again."""
    if len(letters) > _SHORT:
        return True
    step = window // 2
    for start in range(0, len(letters) - window + 1, step):
        if letters.find(letters[start : start + window - step + 1], start + 1) >= 0:
            return True
    return False


def _repeats_at_once(letters: str, window: int) -> bool:
    """Whether a window recurs within the letters of a unit; otherwise no succession is looked for."""
    last: dict[str, int] = {}
    for start in range(len(letters) - window + 1):
        place = last.get(letters[start : start + window])
        if place is not None and start - place <= _LONGEST_UNIT:
            return True
        last[letters[start : start + window]] = start
    return False


def _ends_in_a_loop(letters: str) -> bool:
    """Whether the text ends with one long unit four times over."""
    for period in range(_LONGEST_UNIT // 2, min(_LONGEST_PERIOD, len(letters) // 4) + 1):
        tail = letters[-4 * period :]
        if tail[period:] == tail[:-period] and any(map(str.isalpha, tail[:period])):
            return True
    return False


def _letters(text: str) -> str:
    return "".join(text[:LONGEST_TEXT].casefold().split())


def _window(text: str) -> int:
    """The window size: short for text whose characters are syllables or words."""
    return _DENSE_WINDOW if _is_mostly(_DENSE, text) else _WINDOW


def _is_mostly(kind: re.Pattern[str], text: str) -> bool:
    start = text[:200]
    return len(kind.findall(start)) * 2 > len(start)
