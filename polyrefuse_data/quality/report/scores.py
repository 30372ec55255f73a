"""Scores of the rows: their distributions, and how many rows each bound would reject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from polyrefuse_data.quality import columns, score_table
from polyrefuse_data.quality.columns import Rows
from polyrefuse_data.quality.report.view import View
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.rows import SCORES

Numbers = npt.NDArray[np.floating]
Scores = Mapping[str, Numbers]  # score name -> one number a row, NaN where it was not computed

_BINS = 40
_SWEEP_STEPS = 25
_SHOWN_FIRST = ("length_ratio", "chrf", "bleu", "language_confidence", "copy_ratio")


@dataclass(frozen=True)
class Distribution:
    """Histogram of a score by language over common bins, with the bounds."""

    score: str
    edges: list[float]
    counts: dict[str, list[int]]
    bounds: dict[str, list[tuple[str, float]]]  # language -> (threshold name, bound)


@dataclass(frozen=True)
class Sweep:
    """Rows of each language that a threshold alone would reject at each possible bound."""

    threshold: str
    score: str
    is_floor: bool
    steps: list[float]
    rejected: dict[str, list[int]]
    current: dict[str, float]


def scores_of(view: View, kept: pa.Table | None) -> Scores:
    """Every score of the rows: the stored ones (one line per row, in their order), else those in the rows."""
    if kept is None:
        found: dict[str, Numbers] = {name: columns.numbers_of(view.table, name) for name in SCORES}
    else:
        names = [name for made in score_table.origins(kept).values() for name in made]
        numeric = [name for name in names if pa.types.is_floating(kept.schema.field(name).type)]
        found = {name: score_table.numbers_of(kept, name) for name in numeric}
    return {name: values for name, values in found.items() if np.isfinite(values).any()}


def distributions(view: View, scores: Scores) -> list[Distribution]:
    """A histogram of every graded score."""
    first = [name for name in _SHOWN_FIRST if name in scores]
    others = [name for name, values in scores.items() if name not in first and _is_graded(values)]
    return [_distribution(view, name, scores[name]) for name in (*first, *others)]


def sweeps(view: View, scores: Scores) -> list[Sweep]:
    """A sweep of every threshold on a graded score."""
    return [
        _sweep(view, name, row, scores[row.score])
        for name, row in view.bounds.table.items()
        if row.score in scores and _is_graded(scores[row.score])
    ]


def _is_graded(values: Numbers) -> bool:
    """Whether a score is graded (not just yes, no or a count), so that its bound can be tuned."""
    finite = _finite(values)
    return bool((finite % 1 != 0).any()) and len(np.unique(finite)) > 8


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


def _sweep(view: View, name: str, row: Threshold, values: Numbers) -> Sweep:
    """The steps cover the part of the range where rows start to be rejected, and always the current bounds."""
    own = {code: np.sort(_finite(values[rows])) for code, rows in view.rows_of.items()}
    own = {code: numbers for code, numbers in own.items() if len(numbers)}
    bounds = {code: float(view.bounds.bounds(name, [code])[0]) for code in own}
    current = {code: bound for code, bound in bounds.items() if np.isfinite(bound)}  # inf: nothing is beyond it
    tail = np.quantile(_finite(values), [0.0005, 0.2] if row.is_floor else [0.8, 0.9995])
    steps = np.linspace(min([tail[0], *current.values()]), max([tail[1], *current.values()]), _SWEEP_STEPS).round(5)
    steps = steps.astype(values.dtype)  # as precise as the scores: 0.8 is not beyond 0.8
    rejected = {code: _beyond(numbers, steps, row.is_floor).tolist() for code, numbers in own.items()}
    return Sweep(name, row.score, row.is_floor, [round(float(step), 5) for step in steps], rejected, current)


def _beyond(numbers: Numbers, bounds: Numbers, is_floor: bool) -> Rows:
    """How many of the sorted numbers each bound would reject."""
    if is_floor:
        return np.searchsorted(numbers, bounds, "left")
    return len(numbers) - np.searchsorted(numbers, bounds, "right")


def _finite(values: Numbers) -> Numbers:
    return values[np.isfinite(values)]
