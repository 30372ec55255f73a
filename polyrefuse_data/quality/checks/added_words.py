"""added_words: the prompt has a word more than its back-translation, in a place that is else the same."""

from __future__ import annotations

from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.meaning.additions import added_words
from polyrefuse_data.quality.meaning.signs import SCALE, Row, meaning_signature, strengths
from polyrefuse_data.quality.thresholds import Threshold


def _sign(row: Row) -> bool:
    return any(not row.says(word) for word in added_words(row.prompt, row.back))


ADDED_WORDS = Check(
    name="added_words",
    description="A word of the prompt is missing from the back-translation, though the words around it are there.",
    score=lambda batch: {"added_words": strengths(batch, _sign)},
    settings=meaning_signature,
    scores={"added_words": SCALE},
    thresholds=[
        Threshold(
            "added_words",
            "added_words",
            at_most=0,
            source="a hint: have people check a sample",
            rejects=False,
        ),
    ],
)
