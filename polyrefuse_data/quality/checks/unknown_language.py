"""unknown_language: the row's language code is unknown."""

from __future__ import annotations

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of
from polyrefuse_data.quality.thresholds import Threshold


def known_language(batch: Batch) -> Scores:
    return {"known_language": score_of([float(known is not None) for known in batch.known])}


UNKNOWN_LANGUAGE = Check(
    name="unknown_language",
    description="The row's language code is unknown (see `polyrefuse languages --all`).",
    score=known_language,
    scores={"known_language": "1 if the code is known, else 0"},
    thresholds=[Threshold("unknown_language", "known_language", at_least=1, source="known codes and FLORES codes")],
)
