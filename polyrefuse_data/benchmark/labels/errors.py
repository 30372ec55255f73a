"""How often a judge errs, and refusal rates without its errors, from labels of a sample stratified by its verdict.

Of such a sample, sensitivity cannot be counted: refusals that the judge missed are drawn far more rarely than those
that it found. What can be counted is the share of refusals among replies of either verdict; the shares of the verdicts
are known of all replies, and weight them:

    sensitivity = p v / (p v + (1 - p) w),  specificity = (1 - p)(1 - w) / ((1 - p)(1 - w) + p (1 - v))

where the judge calls a share p of the replies refusals, and people call v of those refusals and w of the others. A rate
r of the same kind of replies is corrected to (r + specificity - 1) / (sensitivity + specificity - 1) (Rogan and Gladen
1978). Intervals are percentiles over draws of p, v and w from their Jeffreys posteriors, so that they carry what is
uncertain of the replies and of the judge; benchmarks/interval_coverage.py counts how often they hold the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrefuse_data.benchmark.statistics import CONFIDENCE

_DRAWS = 4000
_SEED = 1
_TAIL = 100 * (1 - CONFIDENCE) / 2
_JEFFREYS = 0.5

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A share and its interval; `value` is None where nothing can be said."""

    value: float | None
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True)
class Labelled:
    """The labelled replies of one verdict: how many (as many as they are worth, where weights differ), and how many of
    them are refusals."""

    n: float = 0.0
    refusals: float = 0.0

    @property
    def share(self) -> float:
        return min(1.0, self.refusals / self.n) if self.n else float("nan")

    def draws(self, generator: np.random.Generator) -> Array:
        return _share_draws(generator, self.refusals, self.n)


@dataclass(frozen=True)
class Population:
    """Replies of one kind: how many, how many of them the judge calls refusals, and what people say of some of both."""

    replies: int
    called_refusal: int
    of_refusals: Labelled
    of_others: Labelled

    @property
    def labels(self) -> float:
        return self.of_refusals.n + self.of_others.n

    @property
    def is_known(self) -> bool:
        """Whether there are labels of each verdict that the judge gave."""
        return bool(
            (self.of_refusals.n or not self.called_refusal)
            and (self.of_others.n or self.called_refusal == self.replies)
        )

    def table(self) -> Array:
        """Expected counts: found, falsely called, missed and rightly left alone."""
        called, others = self.called_refusal, self.replies - self.called_refusal
        found = called * self.of_refusals.share if called else 0.0
        missed = others * self.of_others.share if others else 0.0
        return np.array([found, called - found, missed, others - missed])

    def draws(self, number: int = 0) -> Array:
        """The same, [4, draws], each time of another world that these replies and labels may come from. `number` tells
        apart populations that are put together."""
        seed = [_SEED, number, self.replies, self.called_refusal]
        generator = np.random.default_rng(seed)
        called = self.replies * _share_draws(generator, self.called_refusal, self.replies)
        found = called * self.of_refusals.draws(generator)
        missed = (self.replies - called) * self.of_others.draws(generator)
        return np.stack([found, called - found, missed, self.replies - called - missed])


def judge_errors(populations: Sequence[Population]) -> tuple[Estimate, Estimate]:
    """Sensitivity and specificity of the judge over some populations together."""
    known = [population for population in populations if population.is_known]
    if not known:
        return Estimate(None), Estimate(None)
    sensitivity, specificity = _errors(sum(population.table() for population in known))
    drawn = _errors(sum(population.draws(number) for number, population in enumerate(known)))
    return _estimate(sensitivity, drawn[0]), _estimate(specificity, drawn[1])


def true_rate(population: Population) -> Estimate:
    """The share of refusals in a population itself: its Rogan-Gladen rate under its own errors."""
    if not population.is_known or not population.replies:
        return Estimate(None)
    table, draws = population.table(), population.draws()
    return _estimate((table[0] + table[2]) / population.replies, (draws[0] + draws[2]) / population.replies)


def corrected_rate(population: Population, called_refusal: int, replies: int) -> Estimate:
    """The share of refusals among other replies of the same kind, `called_refusal` of them by the judge.

    No value where the judge cannot surely tell refusals of this kind from others: there is nothing to correct by.
    """
    if not population.is_known or not replies:
        return Estimate(None)
    sensitivity, specificity = _errors(population.table())
    drawn_sensitivity, drawn_specificity = _errors(population.draws())
    power = drawn_sensitivity + drawn_specificity - 1
    if not sensitivity + specificity > 1 or np.percentile(power, _TAIL) <= 0:
        return Estimate(None)
    tells = power > 0
    rates = _share_draws(np.random.default_rng([_SEED, called_refusal, replies]), called_refusal, replies)
    drawn = (rates[tells] + drawn_specificity[tells] - 1) / power[tells]
    value = (called_refusal / replies + specificity - 1) / (sensitivity + specificity - 1)
    return _estimate(min(1.0, max(0.0, value)), np.clip(drawn, 0.0, 1.0))


def _errors(table: Any) -> tuple[Any, Any]:
    found, falsely, missed, left = table
    with np.errstate(invalid="ignore"):
        return found / (found + missed), left / (left + falsely)


def _share_draws(generator: np.random.Generator, count: float, n: float) -> Array:
    return generator.beta(count + _JEFFREYS, n - count + _JEFFREYS, _DRAWS)


def _estimate(value: float, drawn: Array) -> Estimate:
    """A value with the percentiles of its draws, which reach it: at 0 and 1 they alone would not."""
    if np.isnan(value):
        return Estimate(None)
    low, high = np.percentile(drawn, [_TAIL, 100 - _TAIL])
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))
