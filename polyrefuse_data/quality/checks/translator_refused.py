"""translator_refused: a chat model refused instead of translating (replies.py)."""

from __future__ import annotations

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of
from polyrefuse_data.quality.replies import readings, replies_signature
from polyrefuse_data.quality.thresholds import Threshold


def refusal(batch: Batch) -> Scores:
    found = [None if reading is None else float(reading.refuses) for reading in batch.once(readings)]
    return {"refusal": score_of(found)}


TRANSLATOR_REFUSED = Check(
    name="translator_refused",
    description="The translator refused instead of translating.",
    score=refusal,
    version="3",
    settings=replies_signature,
    scores={
        "refusal": "1 if the text (in its language or English) or its back-translation opens like a refusal and "
        "nothing in the prompt accounts for it, else 0"
    },
    thresholds=[Threshold("translator_refused", "refusal", at_most=0, source="a refusal is not a translation")],
)
