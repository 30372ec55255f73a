"""no_back_translation: a back-translation was requested, but no backend gave one."""

from __future__ import annotations

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of
from polyrefuse_data.quality.thresholds import Threshold


def came_back(batch: Batch) -> Scores:
    asked = zip(batch.back_translation, batch.back_translator, batch.translated, strict=True)
    return {"came_back": score_of([float(back is not None) if who and row else None for back, who, row in asked])}


NO_BACK_TRANSLATION = Check(
    name="no_back_translation",
    description="No backend returned a back-translation, so the row was not compared with one.",
    score=came_back,
    scores={"came_back": "1 if there is a back-translation, 0 if one was requested but none came"},
    thresholds=[
        Threshold(
            "no_back_translation",
            "came_back",
            at_least=1,
            source="without a back-translation there is nothing to compare",
            rejects=False,
        )
    ],
)
