"""Numbers of a prompt that its translation lost: in digits, in words, or said in another way of counting."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection

from polyrefuse_data.quality.number_words import times_written_out

_GROUPED = re.compile(r"(?<=\d)[.,\u066b\u066c\u00a0\u202f' ](?=\d{3}(?!\d))|(?<=\d)[.,\u066b](?=\d)")
_DIGITS = re.compile(r"\d+")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_LONGEST = 18  # digits of a number that is looked for in words

# What other languages say in another way: the hour of an afternoon, thousands and more, the month and day of 9/11.
_HOUR = re.compile(r"(?<![\w/:])(\d{1,2})(?::\d\d)?\s?([ap])\.?m\b\.?", re.IGNORECASE)
_MAGNITUDE = re.compile(r"(?<![\w/])(\d+)[ -]?(hundred|thousand|k|million|billion|trillion)\b", re.IGNORECASE)
_TIMES = {"hundred": 10**2, "thousand": 10**3, "k": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_UNITS = (1, 10**3, 10**4, 10**6, 10**7, 10**8, 10**9)  # 2 billion: 2000 millones, 20億; 30 million: 3천만
_PAIR = re.compile(r"(?<![\d/])(\d+)/(\d+)(?![\d/])")
_NUMBER = re.compile(r"(?<![A-Za-z/\d])\d+(?!\d|/\d)")  # no index (CO2)
_SLASHED = re.compile(r"\d/|/\d")


def lost_numbers(text: str, source: str, language: str) -> int:
    """Numbers of `source` that `text` has neither in digits nor in words."""
    plain = _GROUPED.sub("", source)
    if not _DIGITS.search(plain):
        return 0
    there = Counter(_DIGITS.findall(_GROUPED.sub("", western_digits(text))))
    lost = sum(_lost_pair(left, right, text, there) for left, right in _PAIR.findall(plain))
    for pattern, ways in ((_HOUR, _hours), (_MAGNITUDE, _amounts)):
        lost += sum(not _is_said(ways(*found), text, there, language) for found in pattern.findall(plain))
        plain = pattern.sub(" ", plain)
    missing = Counter(_NUMBER.findall(plain)) - there
    return lost + sum(
        max(0, n - times_written_out(int(number[:_LONGEST]), text, language)) for number, n in missing.items()
    )


def western_digits(text: str) -> str:
    """Arabic-Indic, Thai, full-width and other decimal digits as 0-9."""
    return _OTHER_DIGIT.sub(lambda match: str(unicodedata.decimal(match.group())), text)


def _is_said(ways: Collection[int], text: str, there: Collection[str], language: str) -> bool:
    return any(str(way) in there or f"0{way}" in there or times_written_out(way, text, language) for way in ways)


def _hours(hour: str, half: str) -> set[int]:
    """Ways to say 3 pm: 3, 15; 12 am is also 0 and 24."""
    clock = int(hour)
    return {clock, clock + 12} if half.lower() == "p" or clock == 12 else {clock}


def _amounts(number: str, word: str) -> set[int]:
    """Ways to say 2 million: 2 (million), 2000 (thousand), 200 (myriads), 2000000."""
    amount = int(number[:_LONGEST]) * _TIMES[word.lower()]
    return {int(number[:_LONGEST])} | {amount // unit for unit in _UNITS if amount % unit == 0}


def _lost_pair(left: str, right: str, text: str, there: Collection[str]) -> bool:
    """9/11: written with a slash both are there, otherwise one may have become the name of a month."""
    found = (left in there) + (right in there)
    return found < (2 if _SLASHED.search(western_digits(text)) else 1)
