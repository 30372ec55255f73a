"""no_back_translation: somebody was asked to translate back, and did not."""

from __future__ import annotations

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of
from polyrefuse_data.quality.thresholds import Threshold


def came_back(batch: Batch) -> Scores:
    asked = zip(batch.back_translation, batch.back_translator, batch.translated, strict=True)
    return {"came_back": score_of([float(back is not None) if who and row else None for back, who, row in asked])}


NO_BACK_TRANSLATION = Check(
    name="no_back_translation",
    description="A back-translation was asked for and nobody gave one, so the row is not checked that way.",
    score=came_back,
    scores={"came_back": "1 where there is a back-translation, 0 where one was asked for in vain"},
    thresholds=[
        Threshold(
            "no_back_translation",
            "came_back",
            at_least=1,
            source="a translator that declines to translate back shows nothing",
            rejects=False,
        )
    ],
)
