"""empty: there is nothing to read."""

from __future__ import annotations

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of
from polyrefuse_data.quality.thresholds import Threshold

_MOST_BLANK = 0.9  # share of white space; a table or form that is typed out with blanks stays below


def readable_characters(batch: Batch) -> Scores:
    return {"readable_characters": score_of([float(_is_readable(text)) for text in batch.text])}


def _is_readable(text: str) -> bool:
    written = sum(map(len, text.split()))
    return written >= (1 - _MOST_BLANK) * len(text) and any(map(str.isalnum, text))


EMPTY = Check(
    name="empty",
    description="The text has no letter or digit, or is nearly all white space.",
    score=readable_characters,
    scores={"readable_characters": "1 if there is something to read, else 0"},
    thresholds=[Threshold("empty", "readable_characters", at_least=1, source="a prompt needs something to read")],
)
