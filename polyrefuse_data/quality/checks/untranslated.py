"""untranslated: the text is the English prompt itself, or nearly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from polyrefuse_data.languages import Language
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import PUBLISHED_ROWS, Check, Scores, score_of, traits_signature
from polyrefuse_data.quality.copied_words import copied_words
from polyrefuse_data.quality.thresholds import Threshold


def copying(batch: Batch) -> Scores:
    rows = zip(batch.once(copied_words), batch.known, strict=True)
    return {"copy_ratio": score_of([None if words is None else copy_ratio(*words, known) for words, known in rows])}


def copy_ratio(target: Sequence[str], prompt: Sequence[str], language: Language | None = None) -> float:
    """Share of letters of `target` in words that also occur in `prompt`, at most as often as there."""
    if set(prompt).isdisjoint(target):
        return 0.0
    weight = language.density if language else 1.0
    left = Counter(prompt)
    copied = total = 0.0
    for word in target:
        letters = len(word) if word.isascii() else len(word) * weight
        total += letters
        if left[word] > 0:
            left[word] -= 1
            copied += letters
    return copied / total


UNTRANSLATED = Check(
    name="untranslated",
    description="Most of the text consists of words from the English prompt.",
    score=copying,
    version="2",
    settings=traits_signature,
    scores={
        "copy_ratio": "share of letters that belong to words of the prompt, 0 to 1, not counting what a translation "
        "may keep"
    },
    thresholds=[Threshold("untranslated", "copy_ratio", at_most=0.8, source=PUBLISHED_ROWS)],
)
