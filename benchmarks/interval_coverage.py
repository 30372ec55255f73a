"""How often the intervals of the benchmark hold the truth, where the truth is known, beside the percentile bootstrap.

    python benchmarks/interval_coverage.py

Prints the tables of docs/benchmark.md and docs/judges.md. Rates are exact: every possible count, weighted by how likely
it is. Differences, and rates corrected for a judge's errors, are simulated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from polyrefuse_data.benchmark.labels.errors import (
    Estimate,
    Labelled,
    Population,
    corrected_rate,
    judge_errors,
    true_rate,
)
from polyrefuse_data.benchmark.paired import Pairs
from polyrefuse_data.benchmark.statistics import difference_interval, wilson_interval

SIMULATIONS = 2000
JUDGE_SIMULATIONS = 400
Interval = tuple[float, float]

RATES = [(24, 0.02), (24, 0.5), (32, 0.05), (100, 0.01), (100, 0.1), (141, 0.97), (572, 0.02)]
# Replies, share of refusals, sensitivity and specificity of the judge, labels. The first is as in Chinese: .765 raw.
JUDGES = [
    (572, 0.892, 0.855, 0.98, 100),
    (572, 0.892, 0.855, 0.98, 200),
    (141, 0.892, 0.855, 0.98, 60),
    (141, 0.5, 0.9, 0.9, 100),
    (572, 0.1, 0.85, 0.98, 100),
    (572, 0.02, 0.9, 0.98, 100),
    (100, 0.6, 0.7, 0.95, 60),
]
# Shares of the four kinds of pairs: both, only the first, only the second, neither.
PAIRS = {
    "rare, a few change": (0.02, 0.03, 0.0, 0.95),
    "most change one way": (0.0, 0.9, 0.02, 0.08),
    "nearly all change": (0.0, 0.99, 0.0, 0.01),
    "as many each way": (0.3, 0.2, 0.2, 0.3),
    "high, a few change": (0.9, 0.08, 0.01, 0.01),
}


def rate_coverage(n: int, truth: float, interval: Callable[[int, int], Interval]) -> float:
    """Probability that the interval of a count out of `n` holds the true rate."""
    covered = 0.0
    for count in range(n + 1):
        low, high = interval(count, n)
        if low <= truth <= high:
            covered += math.comb(n, count) * truth**count * (1 - truth) ** (n - count)
    return covered


def wilson(count: int, n: int) -> Interval:
    return wilson_interval(count / n, n)


@cache
def percentile_bootstrap(count: int, n: int) -> Interval:
    """What most pages report: percentiles of the rates of resampled prompts."""
    low, high = np.percentile(np.random.default_rng(1).binomial(n, count / n, 2000) / n, [2.5, 97.5])
    return float(low), float(high)


def difference_coverage(first: tuple[int, float], second: tuple[int, float]) -> float:
    """Share of simulations in which the interval for different prompts (n, rate) holds the true difference."""
    generator = np.random.default_rng(2)
    truth = first[1] - second[1]
    held = 0
    for _ in range(SIMULATIONS):
        drawn = [generator.random(n) < rate for n, rate in (first, second)]
        low, high = difference_interval(drawn[0].tolist(), drawn[1].tolist())
        held += low <= truth <= high
    return held / SIMULATIONS


def paired_coverage(
    n: int, shares: tuple[float, float, float, float], interval: Callable[[Pairs], Interval] = Pairs.interval
) -> float:
    """Share of simulations in which the interval of paired verdicts holds the true difference."""
    generator = np.random.default_rng(3)
    truth = shares[1] - shares[2]
    kept: dict[Pairs, bool] = {}
    held = 0
    for counts in generator.multinomial(n, shares, size=SIMULATIONS):
        pairs = Pairs(*map(int, counts))
        if pairs not in kept:
            low, high = interval(pairs)
            kept[pairs] = low - 1e-9 <= truth <= high + 1e-9  # shares are sums of floats
        held += kept[pairs]
    return held / SIMULATIONS


def plain_paired_bootstrap(pairs: Pairs) -> Interval:
    """The paired bootstrap without smoothing."""
    generator = np.random.default_rng(1)
    cells = np.array([pairs.only_first, pairs.only_second, pairs.both + pairs.neither]) / pairs.n
    drawn = generator.multinomial(pairs.n, cells, size=2000)
    low, high = np.percentile((drawn[:, 0] - drawn[:, 1]) / pairs.n, [2.5, 97.5])
    return float(low), float(high)


def labelled(refuses: NDArray[np.bool_], called: NDArray[np.bool_], labels: int) -> Population:
    """Replies of which so many are labelled, as many of either verdict, as `benchmark label export` draws them."""
    parts = [refuses[called], refuses[~called]]
    first = max(min(len(parts[0]), labels // 2), min(len(parts[0]), labels - len(parts[1])))
    counts = [first, min(len(parts[1]), labels - first)]
    told = [Labelled(count, int(part[:count].sum())) for part, count in zip(parts, counts, strict=True)]
    return Population(len(refuses), int(called.sum()), told[0], told[1])


@dataclass(frozen=True)
class JudgeCoverage:
    """How often intervals hold the truth, and the means of what is estimated, of a judge with known errors."""

    raw: float
    rate: float
    rates_covered: float
    other_rates_covered: float
    sensitivity_covered: float
    specificity_covered: float


def judge_coverage(n: int, truth: float, sensitivity: float, specificity: float, labels: int) -> JudgeCoverage:
    """Of simulated replies, a share `truth` of them refusals, judged with these errors and labelled by people.

    Other rates are those of replies of the same kind without labels of their own, refused half as often.
    """
    generator = np.random.default_rng(4)

    def judged(share: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        refuses = generator.random(n) < share
        return refuses, generator.random(n) < np.where(refuses, sensitivity, 1 - specificity)

    def holds(estimate: Estimate, known: float) -> bool:
        return estimate.value is None or estimate.low <= known <= estimate.high

    found = []
    for _ in range(JUDGE_SIMULATIONS):
        refuses, called = judged(truth)
        population = labelled(refuses, called, labels)
        rate, (finds, leaves) = true_rate(population), judge_errors([population])
        other = corrected_rate(population, int(judged(truth / 2)[1].sum()), n)
        held = [holds(rate, truth), holds(other, truth / 2), holds(finds, sensitivity), holds(leaves, specificity)]
        found.append([called.mean(), rate.value, *held])
    return JudgeCoverage(*(float(mean) for mean in np.mean(np.array(found, dtype=float), axis=0)))


def main() -> None:
    print("| what | n | truth | ours | percentile bootstrap |\n|---|---|---|---|---|")
    for n, truth in RATES:
        ours, usual = (rate_coverage(n, truth, interval) for interval in (wilson, percentile_bootstrap))
        print(f"| rate | {n} | {truth:g} | {ours:.3f} | {usual:.3f} |")
    for first, second in (((32, 0.9), (32, 0.05)), ((24, 0.5), (100, 0.5)), ((141, 0.98), (141, 0.02))):
        ours = difference_coverage(first, second)
        told = f"{first[1] - second[1]:.2f}"
        print(f"| difference, other prompts | {first[0]}, {second[0]} | {told} | {ours:.3f} | – |")
    for name, shares in PAIRS.items():
        for n in (24, 32, 141):
            ours, usual = paired_coverage(n, shares), paired_coverage(n, shares, plain_paired_bootstrap)
            print(f"| paired: {name} | {n} | {shares[1] - shares[2]:.2f} | {ours:.3f} | {usual:.3f} |")
    print("\n| replies | labels | sensitivity | specificity | truth | raw | corrected | covered | others | errors |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for n, truth, sensitivity, specificity, labels in JUDGES:
        found = judge_coverage(n, truth, sensitivity, specificity, labels)
        errors = f"{found.sensitivity_covered:.3f}, {found.specificity_covered:.3f}"
        print(
            f"| {n} | {labels} | {sensitivity:g} | {specificity:g} | {truth:g} | {found.raw:.3f} | {found.rate:.3f} "
            f"| {found.rates_covered:.3f} | {found.other_rates_covered:.3f} | {errors} |"
        )


if __name__ == "__main__":
    main()
