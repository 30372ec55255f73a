"""Scores that another tool or person gave, as numeric columns of the rows: comet, metricx, human, and any that a config
names (`[quality.scores]`).

A table without the column has no such score. The bounds of the three known ones speak of one scale each, on which a
column has to be, unless the config gives a bound on the column's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from polyrefuse_data.config import QualityConfig, ScoreBound
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.batch import numbers
from polyrefuse_data.quality.thresholds import Threshold, check_bound

if TYPE_CHECKING:  # the built-in checks are made from what stands here
    from polyrefuse_data.quality.checks.base import Check


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


def imported_score(name: str, meaning: str, threshold: Threshold) -> Check:
    """The check that takes the rows' column `name` as it is."""
    from polyrefuse_data.quality.checks.base import Check

    return Check(
        name=name,
        description=f"The imported score `{name}` is outside its bound.",
        scores={name: meaning},
        thresholds=[threshold],
        column=name,
    )


def known_scores() -> tuple[Check, ...]:
    """The checks of the scores that go by a known name."""
    return (
        imported_score(
            "comet",
            "imported: COMET-22, where 1 is perfect",
            Threshold("comet", "comet", at_least=0.5, source="imported; COMET-22, where 1 is perfect"),
        ),
        imported_score(
            "metricx",
            "imported: MetricX's errors, 0 to 25",
            Threshold("metricx", "metricx", at_most=10, source="imported; MetricX counts errors, 0 to 25"),
        ),
        imported_score(
            "human",
            "imported: direct assessments by people, 0 to 100",
            Threshold("human", "human", at_least=50, source="imported; direct assessment, 0 to 100"),
        ),
    )


def named_scores(scores: Mapping[str, ScoreBound]) -> list[Check]:
    """The checks of the columns that a config names. Raises ConfigError for a bound of a language that there is not."""
    checks = []
    for name, bound in scores.items():
        check_bound(f"quality.scores.{name}.by_language", bound.by_language)
        threshold = Threshold(
            name,
            name,
            at_least=bound.at_least,
            at_most=bound.at_most,
            by_language=bound.by_language,
            rejects=bound.rejects,
            source="imported; the bound comes from the config",
        )
        if bound.command:
            checks.append(_of_program(name, bound, threshold))
        else:
            checks.append(imported_score(name, "imported", threshold))
    return checks


def _of_program(name: str, bound: ScoreBound, threshold: Threshold) -> Check:
    """The check that asks a program for its score."""
    from polyrefuse_data.quality.checks.base import Check
    from polyrefuse_data.quality.program_scores import program_scores, program_signature

    return Check(
        name=name,
        description=f"The score `{name}` of a program is outside its bound.",
        score=partial(program_scores, name=name, command=bound.command, timeout_seconds=bound.timeout_seconds),
        settings=lambda: program_signature(bound.command),
        scores={name: "the score that the configured program gives each translation"},
        thresholds=[threshold],
    )


def check_scales(rows: pa.Table, settings: QualityConfig) -> None:
    """Raises ConfigError for an imported column that is on another scale than its bound."""
    for name, scale in _SCALES.items():
        if name not in rows.column_names or name in {*settings.thresholds, *settings.disable, *settings.scores}:
            continue
        known = numbers(rows, name)
        known = known[~np.isnan(known)]
        if len(known) and not (scale.least <= known.min() and scale.best_above < known.max() <= scale.most):
            raise ConfigError(
                f"column {name} goes from {known.min():g} to {known.max():g}, but scores of this name are "
                f"{scale.meaning}: convert it to that scale, give quality.thresholds.{name} on its own, or rename it"
            )
