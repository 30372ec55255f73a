"""Quantities that a translation gives in the units of its readers: 85 mph is 136 km/h, 20 feet are six metres.

What a prompt gives twice, "six metres (18 feet)", a translation may give once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor

from polyrefuse_data.quality.numbers.grammar import Value
from polyrefuse_data.quality.numbers.reading import Said

_NUMBER = r"\d[\d.,]*\d|\d"
_JOINED = r"\s?(?:-|–|to|and|or|by|x)\s?"  # 2 to 4 inches
_NEAR = 0.1  # "550 pounds" are 250 kilos to most translators, 249.5 to none

# What one of each is in the units that stand in for it (International System and US customary, NIST SP 811, App. B).
_UNITS: Sequence[tuple[str, tuple[float, ...]]] = (
    ("pounds?|lbs?", (0.4536, 453.6)),
    ("ounces?|oz", (28.35,)),
    ("stones?", (6.35,)),
    ("miles?|mph|mi", (1.609,)),
    ("feet|foot|ft", (0.3048, 30.48)),
    ("inch(?:es)?|in", (2.54, 25.4)),
    ("yards?|yds?", (0.9144,)),
    ("gallons?", (3.785,)),
    ("acres?", (0.4047, 4047.0)),
    ("degrees?|°F|°|F", (1 / 1.8,)),  # a difference; a temperature is put in its place below
)
_NAMES = "|".join(f"({names})" for names, _ in _UNITS)
_QUANTITIES = re.compile(rf"((?:(?:{_NUMBER}){_JOINED})*(?:{_NUMBER}))[\s-]?(?:{_NAMES})(?![A-Za-z])")
_DEGREES = len(_UNITS) - 1
_FREEZING, _STEP = 32, Fraction(5, 9)
_METRIC = "(?:kilo|centi|milli)?(?:met(?:er|re)|gram|lit(?:er|re))s?|km(?:/?h)?|kph|cm|mm|m|kg|g|l|°?C"
_UNIT = rf"(?:{'|'.join(names for names, _ in _UNITS)}|{_METRIC})"
_AGAIN = re.compile(
    rf"(?<=[a-zCF°]) \(((?:about|around|nearly|over|roughly|some) )?({_NUMBER})[\s-]?{_UNIT}\b[^()\d]{{0,20}}\)"
)
_BEFORE = re.compile(rf"(?:\d|\b[a-z]+)[\s-]?{_UNIT}(?: \w+){{0,2}}$")


def converted(source: str) -> Mapping[Value, Sequence[float]]:
    """Number of an English text -> what it is in other units, for each that stands before a unit."""
    found: defaultdict[Value, list[float]] = defaultdict(list)
    for match in _QUANTITIES.finditer(source):
        unit = next(place for place, name in enumerate(match.groups()[1:]) if name)
        for number in re.findall(_NUMBER, match.group(1)):
            value = _value(number)
            found[value] += [float(value) * factor for factor in _UNITS[unit][1]]
            if unit == _DEGREES:
                found[value].append(float((Fraction(value) - _FREEZING) * _STEP))
    return found


def without_repeated(source: str) -> tuple[str, list[Value]]:
    """`source` without quantities in brackets that give the one before them in another unit, and their numbers."""
    repeated: list[Value] = []

    def take(match: re.Match[str]) -> str:
        if not _BEFORE.search(source[: match.start()]):
            return match.group()
        repeated.append(_value(match.group(2)))
        return " ; "

    return (_AGAIN.sub(take, source), repeated) if "(" in source else (source, repeated)


def near(values: Iterable[float], said: Iterable[Said]) -> frozenset[Value]:
    """The numbers of a translation that may be one of these, rounded."""
    readings = {value for one in said for value in (*one.readings, *one.parts)}
    return frozenset(value for value in readings for wanted in values if _rounds(wanted, value))


def _rounds(wanted: float, value: Value) -> bool:
    """Whether `value` is near, or the whole number below or above (an inch, 2.54 cm, as two centimetres)."""
    return abs(float(value) - wanted) <= abs(wanted) * _NEAR or (wanted > 1 and value in (floor(wanted), ceil(wanted)))


def _value(number: str) -> Value:
    value = Fraction(number.replace(",", "")) if number.count(".") < 2 else Fraction(0)
    return int(value) if value.denominator == 1 else value
