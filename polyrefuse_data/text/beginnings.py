"""Where in a text a match of a regular expression can begin: a quick look that spares a slow search at most places."""

from __future__ import annotations

import importlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

# The parser of re itself: nothing else reads the whole of its syntax.
_sre: Any = importlib.import_module("re._parser")

_LENGTH = 4  # characters of a beginning
_MOST = 400  # beginnings that are told apart; of more, fewer characters are looked at
_NOTHING = r"\b\B"
_ZERO_WIDTH = (_sre.AT, _sre.ASSERT, _sre.ASSERT_NOT)
_REPEATS = (_sre.MAX_REPEAT, _sre.MIN_REPEAT, _sre.POSSESSIVE_REPEAT)


class Beginnings:
    """Where matches of some patterns may begin; `at_words`: nowhere but where a word begins."""

    def __init__(self, patterns: Iterable[str], at_words: bool) -> None:
        starts = few(frozenset().union(*map(beginnings, patterns)))
        self._at_words = at_words and all(start[:1].isalnum() for start in starts)
        one = first_of(starts)
        self._expression = re.compile(rf"\W{one}" if self._at_words else one, re.DOTALL)

    def places(self, text: str, end: int) -> list[int]:
        """Every place before `end` where a match may begin, and few more."""
        if self._at_words:  # the character before a word is looked for
            text = f" {text}"
        before = 1 + self._at_words
        found = [match.end() - before for match in self._expression.finditer(text, 0, end + _LENGTH)]
        return [place for place in found if place < end] if found else found


def first_of(starts: Collection[str]) -> str:
    """A regular expression for the first character of each of these strings, where the others follow."""
    if "" in starts:
        return "."
    following: defaultdict[str, set[str]] = defaultdict(set)
    for start in starts:
        following[start[0]].add(start[1:])
    alone = "".join(re.escape(first) for first, others in sorted(following.items()) if "" in others)
    ways = [f"[{alone}]"] if alone else []
    ways += [
        f"{re.escape(first)}(?={first_of(others)})" for first, others in sorted(following.items()) if "" not in others
    ]
    return f"(?:{'|'.join(ways) or _NOTHING})"


def few(starts: frozenset[str]) -> frozenset[str]:
    """As much of each of these strings as leaves few different ones."""
    length = _LENGTH
    while len(starts) > _MOST and length > 2:
        length -= 1
        starts = frozenset(start[:length] for start in starts)
    return starts


def beginnings(pattern: str, lead: str = "") -> frozenset[str]:
    """Strings of up to four characters with one of which everything begins that a pattern matches behind a lead; the
    empty one where it may begin with anything. Patterns that ignore case are not understood."""
    whole, begun = _led(lead)
    return whole.union(*_go_on(_sre.parse(pattern), set(begun)))


@lru_cache(maxsize=16)  # all patterns of a table have one lead, which is longer than they are
def _led(lead: str) -> tuple[frozenset[str], frozenset[str]]:
    whole, begun = _go_on(_sre.parse(lead), {""})
    return frozenset(whole), frozenset(begun)


def _go_on(parts: Any, begun: set[str]) -> tuple[set[str], set[str]]:
    """(whole beginnings; those that go on behind these parts), from beginnings that go on in front of them."""
    whole: set[str] = set()
    for kind, value in parts:
        done, begun = _part(kind, value, begun)
        whole |= done
        if not begun:
            break
    return whole, begun


def _part(kind: Any, value: Any, begun: set[str]) -> tuple[set[str], set[str]]:
    if kind in _ZERO_WIDTH:
        return set(), begun
    if kind is _sre.SUBPATTERN:
        return _go_on(value[-1], begun)
    if kind is _sre.ATOMIC_GROUP:
        return _go_on(value, begun)
    if kind is _sre.BRANCH:
        ways = [_go_on(way, begun) for way in value[1]]
        return set().union(*(done for done, _ in ways)), set().union(*(left for _, left in ways))
    if kind in _REPEATS:
        return _repeated(begun, *value)
    if (characters := _characters(kind, value)) is None:
        return begun, set()
    longer = {start + character for start in begun for character in characters}
    return {start for start in longer if len(start) == _LENGTH}, {start for start in longer if len(start) < _LENGTH}


def _repeated(begun: set[str], least: int, most: int, parts: Any) -> tuple[set[str], set[str]]:
    whole: set[str] = set()
    left = set() if least else set(begun)
    for time in range(1, min(most, _LENGTH) + 1):
        done, begun = _go_on(parts, begun)
        whole |= done
        if time >= min(least, _LENGTH):
            left |= begun
    return whole, left


def _characters(kind: Any, value: Any) -> list[str] | None:
    """The characters that a part may match; None where they are not listed one by one."""
    if kind is _sre.LITERAL:
        return [chr(value)]
    if kind is _sre.IN and all(of is _sre.LITERAL for of, _ in value):
        return [chr(point) for _, point in value]
    return None
