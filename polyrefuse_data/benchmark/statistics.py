"""Rates with intervals that hold what they promise, and how well a score separates two classes.

Benchmarks have tens of prompts and rates near 0 or 1, where a percentile bootstrap of a rate says 95% and covers far
less (docs/benchmark.md has the table); these intervals are solved for instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)

# With fewer prompts than this, nothing is concluded: at 30 the interval of a rate of one half is still 34 points wide,
# and where nothing was refused it reaches to 11%.
MIN_PROMPTS = 30


def rate(values: Sequence[bool]) -> float:
    """Share of true values; NaN for none."""
    return float(np.mean(values)) if len(values) else float("nan")


def wilson_interval(share: float, n: float) -> tuple[float, float]:
    """Wilson's score interval of a share of `n` prompts, at CONFIDENCE; NaN of nothing.

    `share` may be a mean over languages of the same n prompts: its variance is at most that of a rate, so that the
    interval is then wide rather than narrow. Source: Wilson 1927; Brown, Cai and DasGupta 2001.
    """
    if not n or math.isnan(share):
        return float("nan"), float("nan")
    square = Z * Z / n
    centre = (share + square / 2) / (1 + square)
    reach = Z * math.sqrt(share * (1 - share) / n + square / (4 * n)) / (1 + square)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def rate_interval(values: Sequence[bool]) -> tuple[float, float]:
    """`wilson_interval` of a rate."""
    return wilson_interval(rate(values), len(values))


def difference_interval(first: Sequence[bool], second: Sequence[bool]) -> tuple[float, float]:
    """Interval of rate(first) - rate(second) for different prompts: Newcombe's hybrid of both Wilson intervals (1998,
    method 10). For the same prompts see `paired`."""
    if not len(first) or not len(second):
        return float("nan"), float("nan")
    one, other = rate(first), rate(second)
    (low, high), (other_low, other_high) = rate_interval(first), rate_interval(second)
    below, above = math.hypot(one - low, other_high - other), math.hypot(high - one, other - other_low)
    return one - other - below, one - other + above


def auroc(positive: NDArray[Any], negative: NDArray[Any]) -> float:
    """Probability that a positive scores above a negative, ties counting half (Mann-Whitney). NaN if a class is empty
    or a score is NaN."""
    if not len(positive) or not len(negative) or np.isnan(positive).any() or np.isnan(negative).any():
        return float("nan")
    order = np.sort(negative)
    below = np.searchsorted(order, positive, side="left")
    equal = np.searchsorted(order, positive, side="right") - below
    return float((below + 0.5 * equal).mean() / len(negative))


def auroc_interval(value: float, positives: int, negatives: int) -> tuple[float, float]:
    """Interval of an AUROC at CONFIDENCE that holds at 0 and 1 too, where others have no width; NaN of nothing.

    Newcombe 2006, method 5 (Statistics in Medicine 25:559): all values from which the one found is at most z standard
    errors away, by Hanley and McNeil's variance with the mean size of the classes.
    """
    if not positives or not negatives or math.isnan(value):
        return float("nan"), float("nan")
    extra = (positives + negatives) / 2 - 1

    def is_near(truth: float) -> bool:
        spread = truth * (1 - truth) * (1 + extra * ((1 - truth) / (2 - truth) + truth / (1 + truth)))
        return abs(value - truth) <= Z * math.sqrt(spread / (positives * negatives))

    return _furthest(is_near, value, 0.0), _furthest(is_near, value, 1.0)


def _furthest(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """The point between `inside`, where something holds, and `outside` from which on it does not, by halving."""
    if holds(outside):
        return outside
    for _ in range(40):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return inside


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
