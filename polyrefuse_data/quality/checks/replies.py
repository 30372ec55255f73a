"""translator_refused and translator_answered: a chat model that declined, or that did what the prompt asks, instead of
translating it.

Looked for in the text, in its language and in English, and in the back-translation, which is English. An opening that
the English prompt may have itself does not count; without an English prompt only what no prompt begins with does.
"""

from __future__ import annotations

import re

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of
from polyrefuse_data.quality.reply_patterns import ANSWER, DECLINING, REFUSAL, fold, openings, openings_signature, read

_OPENING = 400  # a reply shows what it is in its first sentences
_PROMPT = 2000  # and what excuses it may stand anywhere in a prompt
_LATIN = re.compile("[a-z]{2}")


def replies(batch: Batch) -> Scores:
    """`refusal` and `answer`: 1 where the text or its back-translation has such an opening, else 0; NaN for English."""
    rows = zip(batch.text, batch.text_en, batch.back_translation, batch.language, strict=True)
    found = [
        (None, None) if language == SOURCE_LANGUAGE or not text.strip() else _replies(text, source, back, language)
        for text, source, back, language in rows
    ]
    return Scores({REFUSAL: score_of([row[0] for row in found]), ANSWER: score_of([row[1] for row in found])})


def _replies(text: str, source: str, back: str | None, language: str) -> tuple[float, float]:
    prompt = fold(source[:_PROMPT].strip(), SOURCE_LANGUAGE)
    reading = read(text[:_OPENING], language)
    readings = [(language, reading)]
    if _LATIN.search(reading.text):
        readings.append((SOURCE_LANGUAGE, reading))
    if back:
        readings.append((SOURCE_LANGUAGE, read(back[:_OPENING], SOURCE_LANGUAGE)))
    refusal, answer = (
        any(
            (table := openings(code, kind)) and table.find(reading, prompt)
            for code, reading in readings
            for kind in kinds
        )
        for kinds in ((REFUSAL, DECLINING), (ANSWER,))
    )
    return float(refusal), float(answer)


CHECK = Check("replies", replies, openings_signature)
