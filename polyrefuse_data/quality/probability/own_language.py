"""Fits the table of one language to rows of its own, with the curves of every language as they are.

What these add up to is weighed against how much shorter or longer than usual a text is, and the sum is calibrated on
prompts that the weights have not seen. Needs scikit-learn, which reading the table does not.
"""

from __future__ import annotations

import numpy as np

from polyrefuse_data.quality.probability.evidence import common_sum
from polyrefuse_data.quality.probability.fit import (
    FOLDS,
    LENGTH,
    Curve,
    Known,
    calibrate,
    centres,
    curve_of,
    length_curve,
    sides,
    weigh,
)
from polyrefuse_data.quality.thresholds import Score

_COMMON = "common"


def fit_own(rows: Known) -> tuple[Curve | None, tuple[float, float]]:
    """The curve of lengths, if they say anything, and (intercept, slope) of the sum, from rows of a single language."""
    sums = np.empty(len(rows.good))
    for fold in range(FOLDS):
        unseen = rows.prompt % FOLDS == fold
        sums[unseen] = _sum(rows.part(unseen), _lengths(rows.part(~unseen)))
    return _lengths(rows), calibrate(sums, rows.good, rows.weight)


def _sum(rows: Known, lengths: Curve | None) -> Score:
    total = common_sum(rows.scores, len(rows.good))
    return total + lengths.read(rows.scores[LENGTH]) if lengths else total


def _lengths(rows: Known) -> Curve | None:
    """The curve of lengths, on the scale of the other curves."""
    centre = centres(rows)
    if not centre:
        return None
    values = sides(rows, centre)
    curves = {name: curve_of(own, rows, rising=False) for name, own in values.items()}
    nats = {_COMMON: common_sum(rows.scores, len(rows.good))}
    nats |= {name: curve.read(values[name]) for name, curve in curves.items() if np.ptp(curve.nats)}
    weights = weigh(nats, rows)
    if weights[_COMMON] <= 0:
        return None
    scaled = {name: curve.times(max(0.0, weights.get(name, 0.0)) / weights[_COMMON]) for name, curve in curves.items()}
    shorter, longer = scaled.values()
    return length_curve(shorter, longer, *centre[rows.languages[0]])
