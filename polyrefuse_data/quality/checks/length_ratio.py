"""length_ratio: characters of the translation over characters of the English prompt, without what both keep
unchanged."""

from __future__ import annotations

import re

from polyrefuse_data.quality.batch import LONGEST_TEXT, Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.text.words import ARABIC_MARKS

# The spans of a text (an address, code) count as one word: they are as long in Chinese as in English, and with nothing
# in their place, the few words around them would be measured as a text of their own.
_WORD = 8
_GLOSS = re.compile(r"[(（]([^()（）]+)[)）]")


def length_ratio(batch: Batch) -> Scores:
    """Length ratios of the prose; the spans (text/spans.py) of each side count as one word."""
    rows = zip(batch.prose, batch.text, batch.prose_en, batch.text_en, batch.translated, strict=True)
    ratios = [
        max(1, _length(prose, text) - _glosses(prose, prose_en)) / _length(prose_en, source) if translated else None
        for prose, text, prose_en, source, translated in rows
    ]
    return {"length_ratio": score_of(ratios)}


def _length(prose: str, text: str) -> int:
    """Characters of `text` without Arabic vowel signs; `prose` is its beginning without spans, as far as the checks
    read."""
    text = text.strip()
    spans, rest = min(len(text), LONGEST_TEXT) - len(prose), len(text) - LONGEST_TEXT
    signs = 0 if prose.isascii() else len(ARABIC_MARKS.findall(prose))
    return max(1, len(prose.strip()) - signs + min(max(0, spans), _WORD) + max(0, rest))


def _glosses(prose: str, source: str) -> int:
    """Characters of words of the prompt that stand in brackets behind their translation: 트럼프(Trump)."""
    if "(" not in prose and "（" not in prose:
        return 0
    return sum(len(match[0]) for match in _GLOSS.finditer(prose) if match[1] in source and match[0] not in source)


LENGTH_RATIO = Check(
    name="length_ratio",
    description="The text is much shorter or longer than a translation of its prompt should be.",
    score=length_ratio,
    version="2",
    scores={
        "length_ratio": "characters divided by those of the prompt; a placeholder, address or piece of code counts "
        "as one word, and words of the prompt in brackets after their translation are not counted"
    },
    thresholds=[
        Threshold(
            "length_ratio",
            "length_ratio",
            at_least=0.15,
            source="published PolyRefuse rows: below their 0.2nd percentile, above a third of their 99th",
            name="length_ratio_min",
        ),
        Threshold(
            "length_ratio",
            "length_ratio",
            at_most=4.0,
            source="published PolyRefuse rows: above their longest",
            name="length_ratio_max",
        ),
    ],
)
