"""Which digits and number words belong together, and their value: two thousand five hundred, 2万5千, fünfundzwanzig."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from polyrefuse_data.languages.numbers import NumberWords
from polyrefuse_data.quality.numbers.grammar import Value

_MOST_COMPONENTS = 20


@dataclass(frozen=True)
class Component:
    """A cluster of digits, or one number word."""

    text: str
    readings: tuple[Value, ...]
    parts: tuple[Value, ...]
    in_digits: bool


def numbers_of(components: Sequence[Component], words: NumberWords) -> Iterator[list[Component]]:
    """The components of a run, grouped into numbers, each as long as it can be read as one."""
    number: list[Component] = []
    for component in components:
        if number and (len(number) == _MOST_COMPONENTS or value_of([*number, component], words) is None):
            yield number
            number = []
        number.append(component)
    if number:
        yield number


def value_of(components: Sequence[Component], words: NumberWords, choice: int = 0) -> Value | None:
    """The value of components as one number, each in its reading number `choice`; None if they are several numbers."""
    values = [component.readings[min(choice, len(component.readings) - 1)] for component in components]
    if len(values) == 1:
        return None if values[0] >= words.never_alone and not components[0].in_digits else values[0]
    in_digits = [component.in_digits for component in components]
    if words.positional and not any(in_digits) and all(value in range(10) for value in values):
        return int("".join(map(str, values)))
    scale = max(values)
    if is_scale(scale, 10 if words.tenfold else 100) and not in_digits[values.index(scale)]:
        place = values.index(scale)
        if place == 0 and scale >= words.never_alone:
            return None
        left, right = components[:place], components[place + 1 :]
        times = value_of(left, words, choice) if left else 1
        rest = value_of(right, words, choice) if right else 0
        if times is None or rest is None or rest >= scale:
            return None
        return scale * rest if words.scale_first and not left and rest else times * scale + rest
    return _sum(values, in_digits)


def is_scale(value: Value, smallest: int = 100) -> bool:
    """Whether a word for `value` multiplies what precedes it: a power of ten, at least `smallest`."""
    return value >= smallest and str(value).rstrip("0") == "1"


def _sum(values: Sequence[Value], in_digits: Sequence[bool]) -> Value | None:
    """The sum of words, from the largest down, or of units before tens; digits only with a fraction (2½)."""
    if any(in_digits) and not all(value < 1 for value in values[1:]):
        return None
    values = [value for value in values if value] or [0]
    if len(values) > 1 and values[-2] < 10 <= values[-1] < 100:
        values = [*values[:-2], values[-1], values[-2]]
    if len(values) > 1 and 10 <= values[0] <= 20 and 10 <= values[1] < 100:  # a year: nineteen eighty-four
        values = [100 * values[0], *values[1:]]
    return sum(values) if all(_has_room(left, right) for left, right in pairwise(values)) else None


def _has_room(left: Value, right: Value) -> bool:
    """Whether `right` fits into the zeros of `left`; French counts on from 60 and 80 (soixante-dix)."""
    zeros = len(str(left)) - len(str(left).rstrip("0"))
    return right < 10**zeros or (left in (60, 80) and right < 20)
