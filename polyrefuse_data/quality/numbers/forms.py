"""What English writes with numbers and other languages write differently: dates, times, decades, shares, idioms.

3 pm is 15 o'clock, the 1990s are the nineties, the 14th century is the thirteen hundreds, 9/11 may name the month.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cached_property
from math import ceil, floor

from polyrefuse_data.languages.numbers import NumberWords
from polyrefuse_data.quality.numbers.grammar import Value

Values = frozenset[Value]  # values of which any will do
Way = tuple[Values, ...]  # what has to be there, all of it; nothing: the whole may go unsaid, but not a part of it

HALF: Values = frozenset({Fraction(1, 2)})
_NAMED_MONTHS = 12
_LARGEST_SHARE = 10  # 9/10 is nine tenths, 9/11 a day

_DATE = re.compile(
    r"(?<![\d./-])(?:(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})|(\d{1,2})/(\d{1,2})/(\d\d))"
    r"(?![\d/-])"
)
_MIXED = re.compile(r"(?<![\d/.,])(\d+)[ -](\d+)/([1-9]\d?)(?![\d/])")
_PAIR = re.compile(r"(?<![\d/])(\d{1,4})/(\d{1,4})(?![\d/])")
_NOON = r"(?=(?:\s?(?:-|–|to|and|or|until|,)\s?\d{1,2}(?::\d\d)?){0,5}\s?(?:([ap])\.?m\b|in the (evening|afternoon)\b))"
_TIME = re.compile(rf"(?<![\w/:.,])(\d{{1,2}})(?:[:.]([0-5]\d))?(?:{_NOON}|(?<=:\d\d)(?![\d:]))", re.IGNORECASE)
_CENTURY = re.compile(
    r"(?<!\w)(\d{1,2})(?:st|nd|rd|th)(?=(?:[ ,-]|and|or|to|early|late|mid|\d|st|nd|rd|th){1,30}centur)", re.IGNORECASE
)
_DECADE = re.compile(r"(?<![\w.,])(\d{1,3}0)['’]?s\b")
_ALWAYS = re.compile(r"(?<![\w/])(24)/(7)(?![\w/])")
_FIRST = re.compile(r"\b(?:no\. ?|number )1\b(?![.,]?\d)", re.IGNORECASE)
_HEIGHT = re.compile(r"(?<![\d.,])([3-8])(?:[- ](?:foot|feet|ft)[- ]|['’′])(\d{1,2})(?![\d.,])")
_FREEZING, _STEP = 32, Fraction(5, 9)  # of degrees Fahrenheit
_INCH = 2.54  # centimetres
_THIS_CENTURY = 2000
_WHOLLY = re.compile(r"(?<![\d.,-])(100)(?: ?%| percent| per cent)(?= (?!of\b)[a-z])", re.IGNORECASE)
_PANDEMIC = re.compile(r"(?<=covid)[- ]?(19)\b", re.IGNORECASE)
_BY_NAME = "coron|корон"  # the pandemic, as most languages call it
_IN_FIGURES = r"\d\s?[./-]\s?\d|\d/|/\d"


class _Text:
    """How a translation writes the numbers of its prompt."""

    def __init__(self, text: str, words: NumberWords) -> None:
        self._text, self._words = text, words

    @cached_property
    def in_figures(self) -> bool:
        """Whether dates and fractions are written in figures."""
        return self._holds(_IN_FIGURES, self._words.in_figures)

    @cached_property
    def counts_from_evening(self) -> bool:
        return self._holds(self._words.evening)

    @cached_property
    def names_pandemic(self) -> bool:
        """Whether COVID-19 goes by another name."""
        return self._holds(_BY_NAME, self._words.covid)

    def _holds(self, *patterns: str) -> bool:
        return any(pattern and re.search(pattern, self._text, re.IGNORECASE) for pattern in patterns)


def take_forms(source: str, text: str, words: NumberWords) -> tuple[list[tuple[Way, ...]], str]:
    """The ways to express each of these forms of `source` in the translation `text`, and `source` without them."""
    found: list[tuple[Way, ...]] = []
    shown = _Text(text, words)
    for pattern, ways in _FORMS:
        if matches := list(pattern.finditer(source)):
            found += (ways(match, shown) for match in matches)
            source = pattern.sub(" ; ", source)
    return found, source


def any_of(*values: Value) -> Values:
    """Alternative values."""
    return frozenset(values)


def _date(match: re.Match[str], text: _Text) -> tuple[Way, ...]:
    """A year and two numbers, one of which may have become the name of a month."""
    numbers = [int(group) for group in match.groups() if group is not None]
    years, (first, second) = _date_parts(numbers, match.group(1) is not None)
    return ((years, any_of(first), any_of(second)), *_with_named_month(first, second, text, (years,)))


def _date_parts(numbers: list[int], year_first: bool) -> tuple[Values, list[int]]:
    year = numbers.pop(0 if year_first else 2)
    return (any_of(year, 1900 + year, 2000 + year) if year < 100 else any_of(year)), numbers


def _with_named_month(first: int, second: int, text: _Text, others: Way = ()) -> Iterator[Way]:
    if not text.in_figures:
        for month, day in ((first, second), (second, first)):
            if 1 <= month <= _NAMED_MONTHS:
                yield (*others, any_of(day))


def _mixed(match: re.Match[str], text: _Text) -> tuple[Way, ...]:
    """1 1/2 cups: 1½, one and a half."""
    whole, left, right = map(int, match.groups())
    share = Fraction(left, right)
    return ((any_of(whole + share),), (any_of(whole), any_of(share)), (any_of(whole), any_of(left), any_of(right)))


def _pair(match: re.Match[str], text: _Text) -> tuple[Way, ...]:
    """A month and a day, or a fraction: 1/2 is ½ or a half, 9/11 is September 11 or 911."""
    left, right = int(match.group(1)), int(match.group(2))
    ways = [(any_of(left), any_of(right)), (any_of(int(f"{left}{right}")),)]
    if right:
        ways.append((any_of(Fraction(left, right)),))
    if left == 1 and not text.in_figures:
        ways.append((any_of(right),))  # a third
    elif not left < right <= _LARGEST_SHARE:
        ways += _with_named_month(left, right, text)
    return tuple(ways)


def _time(match: re.Match[str], text: _Text) -> tuple[Way, ...]:
    """An hour of either clock; half past three is half four in German, three and a half in Spanish."""
    hours = _hours(int(match.group(1)), "p" if match.group(4) else (match.group(3) or "").lower(), text)
    minutes = int(match.group(2) or 0)
    after = any_of(*(hour + 1 for hour in hours), *(hour % 12 + 1 for hour in hours if hour == 12))
    ways: list[Way] = [(hours, any_of(minutes))] if minutes else [(hours,)]
    if minutes == 30:
        ways += [(hours, HALF), (after, HALF)]
    elif minutes in (15, 45):  # a quarter past, three quarters
        ways += [(hours, any_of(4)), (after, any_of(15, 4))]
    if minutes > 30:  # five to eight
        ways.append((after, any_of(60 - minutes)))
    return tuple(ways)


def _hours(hour: int, half: str, text: _Text) -> Values:
    if half == "p":
        evening = any_of(hour - 6) if text.counts_from_evening else any_of()
        return any_of(hour, hour % 12 + 12) | evening
    if half == "a":
        return any_of(0, 12, 24) if hour == 12 else any_of(hour)
    return any_of(hour, hour - 12) if hour > 12 else any_of(hour)


def _century(match: re.Match[str], text: _Text) -> tuple[Way, ...]:
    """The 14th century is the 1300s, the trecento."""
    century = int(match.group(1))
    return ((any_of(century, 100 * (century - 1), 100 * (century - 11)),),)


def _decade(match: re.Match[str], text: _Text) -> tuple[Way, ...]:
    """The 1990s are the nineties, the 1800s the 19th century; and temperatures in the 80s are 26 or 27 degrees."""
    decade = int(match.group(1))
    if decade < 100:
        celsius = range(floor((decade - _FREEZING) * _STEP), ceil((decade + 9 - _FREEZING) * _STEP) + 1)
        return ((any_of(decade, 1900 + decade, 2000 + decade),), (any_of(*celsius),))
    century, years = any_of(decade // 100 + 1), decade % 100
    if decade == _THIS_CENTURY:  # "at the beginning of this century"
        return ((any_of(decade) | century,), ())
    if not years:
        return ((any_of(decade) | century,),)
    return ((any_of(decade),), (century, any_of(years)), (any_of(years),))


def _always(match: re.Match[str], text: _Text) -> tuple[Way, ...]:
    """24/7: day and night."""
    return ((any_of(24), any_of(7)), ())


def _first(match: re.Match[str], text: _Text) -> tuple[Way, ...]:
    """To be No. 1: to lead."""
    return ((any_of(1),), ())


def _wholly(match: re.Match[str], text: _Text) -> tuple[Way, ...]:
    """100 percent certain: absolutely certain."""
    return ((any_of(100),), ())


def _height(match: re.Match[str], text: _Text) -> tuple[Way, ...]:
    """6-foot-6 is 1.98 m, 198 cm, two metres."""
    feet, inches = map(int, match.groups())
    exact = (12 * feet + inches) * _INCH
    about = range(round(exact) - 2, round(exact) + 3)
    metres = any_of(round(exact / 100), *(Fraction(one, 100) for one in about))
    return (
        (any_of(feet), any_of(inches)),
        (metres | any_of(*about),),
        (any_of(int(exact // 100)), any_of(*(one % 100 for one in about))),
    )


def _pandemic(match: re.Match[str], text: _Text) -> tuple[Way, ...]:
    """COVID-19 is 新冠 in Chinese: no number if it goes by another name."""
    return ((any_of(19),), ()) if text.names_pandemic else ((any_of(19),),)


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], _Text], tuple[Way, ...]]], ...] = (
    (_ALWAYS, _always),
    (_FIRST, _first),
    (_WHOLLY, _wholly),
    (_HEIGHT, _height),
    (_PANDEMIC, _pandemic),
    (_DATE, _date),
    (_MIXED, _mixed),
    (_PAIR, _pair),
    (_TIME, _time),
    (_CENTURY, _century),
    (_DECADE, _decade),
)
