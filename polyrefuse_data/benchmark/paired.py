"""Two verdicts on each of the same prompts: how far their rates differ, and whether that is more than chance.

Languages are compared on translations of the same prompts, a model with and without an intervention on the same
prompts, and so are two models: the pair is what is sampled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from polyrefuse_data.benchmark.statistics import CONFIDENCE

RESAMPLES = 4000
SIGNIFICANT = 1 - CONFIDENCE
_SEED = 1  # for every bootstrap, so that the same verdicts give the same intervals

# Pairs added to each cell of the table of pairs before it is resampled. Without them the bootstrap cannot draw a kind
# of pair that it has not seen: it covers .20 instead of .95 where 24 pairs all go one way; with them .92 to 1.
_SMOOTHING = 0.5


@dataclass(frozen=True)
class Pairs:
    """How many prompts have which two verdicts."""

    both: int
    only_first: int
    only_second: int
    neither: int

    @classmethod
    def of(cls, first: Mapping[str, bool], second: Mapping[str, bool]) -> Pairs:
        """The pairs of the prompts that both hold, by id."""
        shared = [(first[prompt], second[prompt]) for prompt in first if prompt in second]
        return cls(*(shared.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))))

    @property
    def n(self) -> int:
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def difference(self) -> float:
        """Rate of the first minus rate of the second; NaN of nothing."""
        return (self.only_first - self.only_second) / self.n if self.n else float("nan")

    def interval(self) -> tuple[float, float]:
        """Paired bootstrap interval of the difference, at CONFIDENCE: percentiles over resampled prompts."""
        if not self.n:
            return float("nan"), float("nan")
        cells = np.array([self.only_first, self.only_second, self.both + self.neither], dtype=float)
        cells += _SMOOTHING * np.array([1, 1, 2])
        generator = np.random.default_rng([_SEED, self.n, self.only_first, self.only_second])
        drawn = generator.multinomial(self.n, cells / cells.sum(), size=RESAMPLES)
        tail = 100 * SIGNIFICANT / 2
        low, high = np.percentile((drawn[:, 0] - drawn[:, 1]) / self.n, [tail, 100 - tail])
        return float(low), float(high)

    def p_value(self) -> float:
        """McNemar's exact test, two-sided: of the prompts on which the verdicts differ, as many would go each way."""
        differing = self.only_first + self.only_second
        fewer = min(self.only_first, self.only_second)
        tail = sum(math.comb(differing, k) for k in range(fewer + 1))
        return min(1.0, float(2 * tail / 2**differing))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for being looked at together (Holm 1979), in their order."""
    adjusted = [0.0] * len(p_values)
    worst = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = worst
    return adjusted
