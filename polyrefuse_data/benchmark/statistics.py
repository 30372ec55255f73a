"""Rates with bootstrap intervals, and separation of two classes by a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
CONFIDENCE = 0.95
_SEED = 1  # of every bootstrap: the same verdicts give the same intervals


def rate(values: Sequence[bool]) -> float:
    """Share of true values; NaN for none."""
    return float(np.mean(values)) if len(values) else float("nan")


def bootstrap_interval(values: Sequence[bool]) -> tuple[float, float]:
    """Percentile bootstrap interval of a rate over prompts, at CONFIDENCE.

    Resampling n yes/no values with replacement is a binomial draw, so it is drawn directly.
    """
    if not len(values):
        return float("nan"), float("nan")
    return _percentiles(_resampled(values, 0))


def difference_interval(first: Sequence[bool], second: Sequence[bool]) -> tuple[float, float]:
    """Percentile bootstrap interval of rate(first) - rate(second), resampled independently."""
    if not len(first) or not len(second):
        return float("nan"), float("nan")
    return _percentiles(_resampled(first, 0) - _resampled(second, 1))


def _resampled(values: Sequence[bool], stream: int) -> NDArray[np.float64]:
    generator = np.random.default_rng([_SEED, stream, len(values)])
    draws: NDArray[np.float64] = generator.binomial(len(values), float(np.mean(values)), RESAMPLES) / len(values)
    return draws


def _percentiles(draws: NDArray[np.float64]) -> tuple[float, float]:
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(draws, [tail, 100 - tail])
    return float(low), float(high)


def auroc(positive: NDArray[Any], negative: NDArray[Any]) -> float:
    """Probability that a positive scores above a negative, ties counting half (Mann-Whitney). NaN if a class is empty
    or a score is NaN."""
    if not len(positive) or not len(negative) or np.isnan(positive).any() or np.isnan(negative).any():
        return float("nan")
    order = np.sort(negative)
    below = np.searchsorted(order, positive, side="left")
    equal = np.searchsorted(order, positive, side="right") - below
    return float((below + 0.5 * equal).mean() / len(negative))


def threshold_at(negative: NDArray[Any], false_positive_rate: float) -> float:
    """The lowest threshold that at most this share of the negatives exceeds (an alarm is score > threshold); NaN if a
    score is NaN."""
    if np.isnan(negative).any():
        return float("nan")
    allowed = int(np.floor(false_positive_rate * len(negative)))
    return float(np.sort(negative)[len(negative) - 1 - allowed])


def alarm_rate(scores: NDArray[Any], threshold: float) -> float:
    """Share of the scores above a threshold; NaN for no scores, or if a score or the threshold is NaN."""
    known = len(scores) and not np.isnan(scores).any() and not np.isnan(threshold)
    return float((scores > threshold).mean()) if known else float("nan")
