"""Numbers of a prompt that its translation lost or changed, however each of the two writes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from polyrefuse_data.languages import Language
from polyrefuse_data.quality.numbers.asked import Asked, Need, asked_numbers, asks_digits, asks_words, lost_its_amount
from polyrefuse_data.quality.numbers.forms import Way
from polyrefuse_data.quality.numbers.grammar import Value
from polyrefuse_data.quality.numbers.reading import Kind, Said, read_digits, read_numbers

_MOST = 200  # numbers of a prompt that are looked for: none has more, a broken row may
_CLUSTER = re.compile(r"[\d¼½¾](?:[\d¼½¾.,:/'’ -]*[\d¼½¾])?")
_ORDINAL = re.compile(r"\d(?:st|nd|rd|th)\b")


def lost_numbers(text: str, source: str, language: Language | None) -> int:
    """How many numbers of `source` the translation `text` does not express."""
    if not asks_words(source) and (not asks_digits(source) or _are_as_they_were(text, source)):
        return 0
    asked = asked_numbers(source, text, language)[:_MOST]
    if not _unsaid(asked, read_digits(text)):
        return 0
    said = read_numbers(text, language, initials=_ORDINAL.search(source) is not None)
    unsaid = _unsaid(asked, said)
    return max(0, unsaid - _unread(text, said, language)) if unsaid else 0


def _unread(text: str, said: Sequence[Said], language: Language | None) -> int:
    """How many words say a number that nobody here can read (a Yoruba thousand): one of them may be what is missing."""
    words = language.numbers if language else None
    if words is None or not words.unread or lost_its_amount(text):
        return 0
    read = " ".join(one.text for one in said if one.kind is Kind.WORDS).split()
    return sum(match.group() not in read for match in re.finditer(words.unread, words.folded(text.lower())))


def _are_as_they_were(text: str, source: str) -> bool:
    """Whether both contain the same digits, written in the same way. Most translations do and need no closer look."""
    return sorted(_CLUSTER.findall(text)) == sorted(_CLUSTER.findall(source))


def _unsaid(asked: Sequence[Asked], said: Sequence[Said]) -> int:
    """How many required numbers find no counterpart of their own in `said`.

    Words match words first, and digits match digits: what the prompt says in words is not available for a number in
    digits. If the text has digits left over, a number that seems to be expressed in words was more likely changed.
    """
    by_kind = {kind: [one for one in said if one.kind is kind] for kind in Kind}
    as_words, words = _match(_of(asked, Kind.WORDS), by_kind[Kind.WORDS])
    as_digits, digits = _match(_of(asked, Kind.DIGITS), by_kind[Kind.DIGITS])
    needed = [one for one in as_digits if one.need is not Need.NEVER]
    still_open, rest = _match(needed, [*digits, *words])
    in_words = len(needed) - len(still_open)
    more_open, rest = _match((one for one in as_words if one.need is not Need.NEVER), rest)
    return _unsaid_in_parts([*still_open, *more_open], rest, in_words)


def _of(asked: Sequence[Asked], kind: Kind) -> list[Asked]:
    return sorted((one for one in asked if one.kind is kind), key=lambda one: (one.need.value, len(one.ways)))


def _match(asked: Iterable[Asked], said: list[Said]) -> tuple[list[Asked], list[Said]]:
    """Match each required number with numbers in the text; returns what is unmatched on both sides."""
    still_open = []
    values = {value for one in said for value in one.readings}
    for one in asked:
        ways = (way for way in one.ways if way and not any(map(values.isdisjoint, way)))
        rest = next((rest for way in ways if (rest := _taken(way, said)) is not None), None)
        if rest is None:
            still_open.append(one)
        else:
            said = rest
    return still_open, said


def _unsaid_in_parts(asked: Sequence[Asked], said: Sequence[Said], doubtful: int) -> int:
    """The same with the parts of the remaining numbers: 2020 150 may be two."""
    parts = Counter(value for one in said for value in (*one.readings, *one.parts))
    unsaid = Counter[Need]()
    for one in asked:
        rest = next((rest for way in one.ways if way and (rest := _taken_apart(way, parts)) is not None), None)
        if rest is not None:
            parts = rest
        elif () not in one.ways or any(parts[value] > 0 for values in one.ways[0] for value in values):
            unsaid[one.need] += 1
    others = sum(
        one.kind is Kind.DIGITS
        and all(value > 1 for value in one.readings)
        and all(parts[value] > 0 for value in (*one.readings, *one.parts))  # none of its parts was what was asked for
        for one in said
    )
    return unsaid[Need.ALWAYS] + min(unsaid[Need.INSTEAD] + doubtful, others)


def _taken(way: Way, said: list[Said]) -> list[Said] | None:
    """What is left of `said` after removing one number for each of `way`; None if one of them is missing."""
    for values in way:
        found = next((place for place, one in enumerate(said) if not values.isdisjoint(one.readings)), None)
        if found is None:
            return None
        said = said[:found] + said[found + 1 :]
    return said


def _taken_apart(way: Way, parts: Counter[Value]) -> Counter[Value] | None:
    for values in way:
        found = next((value for value in values if parts[value] > 0), None)
        if found is None:
            return None
        parts = parts.copy()
        parts[found] -= 1
    return parts
