"""translator_answered: a chat model answered the prompt instead of translating it (replies.py)."""

from __future__ import annotations

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of
from polyrefuse_data.quality.replies import readings, replies_signature
from polyrefuse_data.quality.thresholds import Threshold


def answer(batch: Batch) -> Scores:
    found = [None if reading is None else float(reading.answers) for reading in batch.once(readings)]
    return {"answer": score_of(found)}


TRANSLATOR_ANSWERED = Check(
    name="translator_answered",
    description="The translator answered the prompt instead of translating it.",
    score=answer,
    version="3",
    settings=replies_signature,
    scores={
        "answer": "1 if the text (in its language or English) or its back-translation opens like an answer and "
        "nothing in the prompt accounts for it, else 0"
    },
    thresholds=[Threshold("translator_answered", "answer", at_most=0, source="an answer is not a translation")],
)
