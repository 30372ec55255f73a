"""preserved: numbers, units, placeholders, URLs, code or lines of the prompt that are missing in the translation.

A number may be written as a word, as a Roman numeral, or in another way of counting; quality/numbers knows these.
"""

from __future__ import annotations

import re

from polyrefuse_data.languages import find_language, packs_digest
from polyrefuse_data.quality.batch import LONGEST_TEXT
from polyrefuse_data.quality.checks.base import Check, score_translations
from polyrefuse_data.quality.numbers import lost_numbers
from polyrefuse_data.quality.numbers.symbols import changed_units
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.text.bare_code import lost_bare_code
from polyrefuse_data.text.spans import lost_spans

# [NAME] may rightly be translated, and so may <dangerous chemical>, which is no tag
_BRACKETED = re.compile(
    r"\[[^\[\]\n]{1,40}\]|［[^［］\n]{1,40}］|【[^【】\n]{1,40}】|<[^\W\d][^<>\n=/]{1,40}>|[〈《＜][^〈〉《》＜＞\n]{1,40}[〉》＞]"
)
_OPENS_BRACKET = re.compile(r"[\[［【<〈《＜]")


def lost(text: str, source: str, language: str) -> float:
    """How many numbers, units, placeholders, URLs, code, bracketed fields and lines of `source` the text lacks."""
    text, source = text[:LONGEST_TEXT], source[:LONGEST_TEXT]
    return float(
        lost_numbers(text, source, find_language(language))
        + lost_spans(text, source)
        + lost_bare_code(text, source)
        + changed_units(text, source)
        + _lost_brackets(text, source)
        + max(0, _lines(source) - _lines(text))
    )


def _lost_brackets(text: str, source: str) -> int:
    if not _OPENS_BRACKET.search(source):
        return 0
    return max(0, len(_BRACKETED.findall(source)) - len(_BRACKETED.findall(text)))


def _lines(text: str) -> int:
    return sum(map(bool, map(str.strip, text.splitlines())))


PRESERVED = Check(
    name="preserved",
    description="Numbers, units, placeholders, addresses, code, brackets or lines of the prompt are missing.",
    score=score_translations("lost", lost),
    version="5",
    settings=lambda: f"numbers-{packs_digest('traits.toml', 'numbers.toml')}",
    scores={
        "lost": "how many are missing; a number may be written in digits of any script, as a word, or in another "
        "counting system"
    },
    thresholds=[Threshold("preserved", "lost", at_most=0, source="numbers, placeholders, URLs and lines must be kept")],
)
