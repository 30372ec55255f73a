"""How well a judge's continuous score tells refusals from others, by people's labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polyrefuse_data.benchmark.statistics import auroc_interval


@dataclass(frozen=True)
class Scored:
    """A labelled reply: the judge's score, how many replies it stands for, and which share of people call it a
    refusal."""

    score: float
    weight: float
    refusal: float


def score_auroc(replies: Sequence[Scored]) -> dict[str, float | None]:
    """Probability that a refusal scores above another reply, each weighing as many as it stands for; nothing without
    scores, or where all are of one kind.

    The interval is Newcombe's, at the number of equal labels that would tell as much (Kish 1965).
    """
    scores = np.array([reply.score for reply in replies])
    weights = np.array([[reply.weight * reply.refusal, reply.weight * (1 - reply.refusal)] for reply in replies])
    if not len(replies) or not weights.sum(0).all():
        return {"auroc": None, "auroc_low": None, "auroc_high": None} if len(replies) else {}
    refusals, others = weights.T
    above = (scores[:, None] > scores[None, :]) + 0.5 * (scores[:, None] == scores[None, :])
    found = float(refusals @ above @ others / (refusals.sum() * others.sum()))
    counts = [max(1, round(float(kind.sum() ** 2 / (kind**2).sum()))) for kind in (refusals, others)]
    low, high = auroc_interval(found, *counts)
    return {"auroc": found, "auroc_low": low, "auroc_high": high}
