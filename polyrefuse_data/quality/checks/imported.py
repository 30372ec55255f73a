"""comet, metricx, human: scores that another tool or person gave, as columns of the same name.

Any of them is taken as it stands; a table without the column has no such score. The bounds of thresholds.py speak of
one scale each, on which a column has to be, unless the config gives a bound on the column's own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from polyrefuse_data.config import QualityConfig
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.batch import Batch, numbers
from polyrefuse_data.quality.checks.base import Check, Scores


class _Scale(NamedTuple):
    """What the scores are, the least and the most they can be, and a number that the best of them is above."""

    meaning: str
    least: float
    most: float
    best_above: float = -np.inf


# COMET-22 ends near 1, and goes a little below 0 for what is no translation at all. Nobody gives direct assessments of
# which the best is 5 of 100: those are stars (1 to 5) or shares (0 to 1).
_SCALES = {
    "comet": _Scale("COMET-22's, where 1 is perfect", -1, 2),
    "metricx": _Scale("MetricX's errors, from 0 to 25", -1, 26),
    "human": _Scale("direct assessments, from 0 to 100", 0, 100, best_above=5),
}


def check_scales(rows: pa.Table, settings: QualityConfig) -> None:
    """Raises ConfigError for an imported column that is on another scale than its bound."""
    for name, scale in _SCALES.items():
        if name not in rows.column_names or name in settings.thresholds or name in settings.disable:
            continue
        known = numbers(rows, name)
        known = known[~np.isnan(known)]
        if len(known) and not (scale.least <= known.min() and scale.best_above < known.max() <= scale.most):
            raise ConfigError(
                f"column {name} goes from {known.min():g} to {known.max():g}, but scores of this name are "
                f"{scale.meaning}: bring it to that scale, give quality.thresholds.{name} on its own, or rename it"
            )


def imported_scores(batch: Batch) -> Scores:
    """The imported columns, NaN where a row has no value."""
    return Scores({name: np.asarray(values, dtype=np.float64) for name, values in batch.imported.items()})


CHECK = Check("imported", imported_scores, copies_columns=True)
