"""Scores of the rows: how they are spread, and how many rows each bound on them would cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from polyrefuse_data.quality.auditing import BATCH_ROWS
from polyrefuse_data.quality.batch import Batch, make_batch
from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.columns import Mask, Rows, numbers_of
from polyrefuse_data.quality.report.view import View
from polyrefuse_data.quality.scoring import SCORE_COLUMNS
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.system.progress import tracked

Numbers = npt.NDArray[np.float32]

_BINS = 40
_SWEEP_STEPS = 25
_GLANCE = 512  # rows that show whether a score is more than yes or no
# Rows whose scores are computed again for the sweeps, and of these at least so many of each language: a bound that
# costs one row in a hundred is met by ten of them.
_MOST_SCORED, _LEAST_SCORED = 20_000, 1_000
_SHOWN_FIRST = ("length_ratio", "chrf", "bleu", "language_confidence", "copy_ratio")


@dataclass(frozen=True)
class Scores:
    """Score name -> one number a row, NaN where it was not computed; `sampled` are the names of scores that only
    the rows of `sample` have, an even sample of each language."""

    numbers: Mapping[str, Numbers]
    sampled: frozenset[str]
    sample: Mask

    def share(self, name: str, rows: Rows) -> float:
        """The share of these rows whose score was computed, or would have been."""
        return float(self.sample[rows].mean()) if name in self.sampled else 1.0


@dataclass(frozen=True)
class Distribution:
    """Histogram of a score by language over common bins, and the bounds in force."""

    score: str
    edges: list[float]
    counts: dict[str, list[int]]
    bounds: dict[str, list[tuple[str, float]]]  # language -> (threshold name, bound)


@dataclass(frozen=True)
class Sweep:
    """Rows of each language that a threshold alone would reject, were its bound at each step.

    `estimated_from`: the rows of the sample that the counts were scaled up from; None where every row counts.
    """

    threshold: str
    score: str
    is_floor: bool
    steps: list[float]
    rejected: dict[str, list[int]]
    current: dict[str, float]
    estimated_from: int | None = None


def graded_scores(view: View, checks: Sequence[Check]) -> Scores:
    """Every score of the rows that is a matter of degree: what bounds can be tuned on.

    Rows keep five of them, and the checks that are there to give those are not run again. Of the others, those that
    give more than yes, no or a count run on an even sample of each language: on every row of all but large tables.
    """
    found = {name: numbers_of(view.table, name) for name in SCORE_COLUMNS}
    kept = {row.flag for row in view.bounds.table.values() if row.score in found}
    glance = _batch(view, _evenly(np.arange(view.size), _GLANCE))
    lacking: dict[str, Check] = {}
    for check in checks:
        if check.name not in kept:
            numbers = check.score(glance).numbers
            lacking |= {name: check for name, values in numbers.items() if name not in found and _has_fractions(values)}
    sample = _sample(view)
    found |= {name: np.full(view.size, np.nan, np.float32) for name in lacking}
    starts = range(0, len(sample), BATCH_ROWS)
    for start in tracked(starts, "scores", "batches", len(starts)):
        rows = sample[start : start + BATCH_ROWS]
        batch = _batch(view, rows)
        for check in {check.name: check for check in lacking.values()}.values():
            for name, values in check.score(batch).numbers.items():
                if name in lacking:
                    found[name][rows] = values
    known = {name: values for name, values in found.items() if name not in lacking or _is_graded(values)}
    known = {name: values for name, values in known.items() if np.isfinite(values).any()}
    sampled = frozenset(lacking if len(sample) < view.size else ())
    return Scores(known, sampled, np.isin(np.arange(view.size), sample))


def _sample(view: View) -> Rows:
    """Rows whose scores are computed again, sorted."""
    parts = [_evenly(rows, max(_LEAST_SCORED, _MOST_SCORED * len(rows) // view.size)) for rows in view.rows_of.values()]
    return np.sort(np.concatenate([np.empty(0, np.int64), *parts]))


def _evenly(rows: Rows, most: int) -> Rows:
    places = np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64)
    return np.asarray(rows[places])


def _batch(view: View, rows: Rows) -> Batch:
    return make_batch(view.table.take(pa.array(rows)))


def distributions(view: View, scores: Scores) -> list[Distribution]:
    """A histogram of every score."""
    ordered = [
        *(name for name in _SHOWN_FIRST if name in scores.numbers),
        *(name for name in scores.numbers if name not in _SHOWN_FIRST),
    ]
    return [_distribution(view, name, scores.numbers[name]) for name in ordered]


def sweeps(view: View, scores: Scores) -> list[Sweep]:
    """A sweep of every threshold on a score."""
    return [
        _sweep(view, name, row, scores)
        for name, row in view.bounds.table.items()
        if row.score in scores.numbers and _is_graded(scores.numbers[row.score])
    ]


def _is_graded(values: npt.NDArray[np.floating]) -> bool:
    return _has_fractions(values) and len(np.unique(values[np.isfinite(values)])) > 8


def _has_fractions(values: npt.NDArray[np.floating]) -> bool:
    return bool((values[np.isfinite(values)] % 1 != 0).any())


def _distribution(view: View, name: str, values: Numbers) -> Distribution:
    low, high = np.quantile(values[np.isfinite(values)], [0.001, 0.999])
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    counts = {}
    for code, rows in view.rows_of.items():
        own = _finite(values[rows])
        if len(own):
            counts[code] = np.histogram(np.clip(own, edges[0], edges[-1]), edges)[0].tolist()
    marks = {code: list(_bounds_on(view, name, code)) for code in counts}
    return Distribution(name, [round(float(edge), 5) for edge in edges], counts, marks)


def _bounds_on(view: View, score: str, code: str) -> list[tuple[str, float]]:
    bounds = {
        name: float(view.bounds.bounds(name, [code])[0])
        for name, row in view.bounds.table.items()
        if row.score == score
    }
    return [(name, bound) for name, bound in bounds.items() if np.isfinite(bound)]


def _sweep(view: View, name: str, row: Threshold, scores: Scores) -> Sweep:
    """Steps run over the part of the range where rows begin to be lost, and always cover the bounds in force."""
    values = scores.numbers[row.score]
    own = {code: np.sort(_finite(values[rows])) for code, rows in view.rows_of.items()}
    own = {code: numbers for code, numbers in own.items() if len(numbers)}
    bounds = {code: float(view.bounds.bounds(name, [code])[0]) for code in own}
    current = {code: bound for code, bound in bounds.items() if np.isfinite(bound)}  # inf: nothing is beyond it
    tail = np.quantile(_finite(values), [0.0005, 0.2] if row.is_floor else [0.8, 0.9995])
    steps = np.linspace(min([tail[0], *current.values()]), max([tail[1], *current.values()]), _SWEEP_STEPS).round(5)
    rejected = {}
    for code, numbers in own.items():
        # float32 as scores are: 0.8 is not beyond 0.8.
        counts = _beyond(numbers, steps.astype(np.float32), row.is_floor)
        rejected[code] = (counts / scores.share(row.score, view.rows_of[code])).round().astype(int).tolist()
    sampled = int(scores.sample.sum()) if row.score in scores.sampled else None
    return Sweep(name, row.score, row.is_floor, steps.tolist(), rejected, current, sampled)


def _beyond(numbers: Numbers, bounds: Numbers, is_floor: bool) -> Rows:
    """How many of the sorted numbers each bound would reject."""
    if is_floor:
        return np.searchsorted(numbers, bounds, "left")
    return len(numbers) - np.searchsorted(numbers, bounds, "right")


def _finite(values: Numbers) -> Numbers:
    return values[np.isfinite(values)]
