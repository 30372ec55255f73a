"""unpaired: a translation without its English prompt."""

from __future__ import annotations

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of
from polyrefuse_data.quality.thresholds import Threshold


def paired(batch: Batch) -> Scores:
    rows = zip(batch.language, batch.text, batch.translated, strict=True)
    values = [None if code == SOURCE_LANGUAGE or not text.strip() else float(has) for code, text, has in rows]
    return {"paired": score_of(values)}


UNPAIRED = Check(
    name="unpaired",
    description="The translation has no English prompt to compare it with.",
    score=paired,
    scores={"paired": "1 if a translation has its English prompt, else 0"},
    thresholds=[
        Threshold(
            "unpaired",
            "paired",
            at_least=1,
            source="comparisons need the English prompt",
            rejects=False,
        )
    ],
)
