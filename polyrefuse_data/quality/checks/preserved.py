"""preserved: numbers, placeholders, URLs and lines of the prompt that the translation lost.

A number may be written as a word or a Roman numeral; number_words.py knows the words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from polyrefuse_data.quality.batch import LONGEST_TEXT
from polyrefuse_data.quality.checks.base import Check, score_translations
from polyrefuse_data.quality.number_words import times_written_out
from polyrefuse_data.quality.spans import lost_spans

_GROUPED = re.compile(r"(?<=\d)[.,\u066b\u066c\u00a0\u202f' ](?=\d{3}(?!\d))|(?<=\d)[.,\u066b](?=\d)")
# Not looked for: numbers that languages write in other units (3 pm, 2 million) or order (9/11), and indices (CO2).
_NUMBER = re.compile(r"(?<![A-Za-z/\d])\d+(?!\d|/\d|\s*(?:[ap]\.?m\b|hundred|thousand|[mb]illion|k\b))", re.IGNORECASE)
_SLASHED = re.compile(r"(?<![\d/])(\d+)/(\d+)(?![\d/])")  # 9/11: other languages write the month as a word
_DIGITS = re.compile(r"\d+")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")

_BRACKETED = re.compile(
    r"\[[^\[\]\n]{1,40}\]|［[^［］\n]{1,40}］|【[^【】\n]{1,40}】"
)  # [NAME] may rightly be translated


def lost(text: str, source: str, language: str) -> float:
    """How many numbers, placeholders, URLs, bracketed fields and lines of `source` are not in `text`."""
    text, source = text[:LONGEST_TEXT], source[:LONGEST_TEXT]
    return float(
        lost_numbers(text, source, language)
        + lost_spans(text, source)
        + max(0, len(_BRACKETED.findall(source)) - len(_BRACKETED.findall(text)))
        + max(0, _lines(source) - _lines(text))
    )


def lost_numbers(text: str, source: str, language: str) -> int:
    """Numbers of `source` that `text` has neither in digits nor in words."""
    plain = _GROUPED.sub("", source)
    wanted = Counter(_NUMBER.findall(plain))
    pairs = _SLASHED.findall(plain)
    if not wanted and not pairs:
        return 0
    there = Counter(_DIGITS.findall(_GROUPED.sub("", western_digits(text))))
    lost_pairs = sum(left not in there and right not in there for left, right in pairs)
    missing = wanted - there
    return lost_pairs + sum(
        max(0, n - times_written_out(int(number[:18]), text, language)) for number, n in missing.items()
    )


def western_digits(text: str) -> str:
    """Arabic-Indic, Thai, full-width and other decimal digits as 0-9."""
    return _OTHER_DIGIT.sub(lambda match: str(unicodedata.decimal(match.group())), text)


def _lines(text: str) -> int:
    return sum(1 for line in text.splitlines() if line.strip())


CHECK = Check("preserved", score_translations("lost", lost))
