"""How often the intervals of the benchmark hold the truth, where the truth is known, beside the percentile bootstrap.

    python benchmarks/interval_coverage.py

Prints the table of docs/benchmark.md. Rates are exact: every possible count, weighted by how likely it is. Differences
are simulated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from polyrefuse_data.benchmark.paired import Pairs
from polyrefuse_data.benchmark.statistics import difference_interval, wilson_interval

SIMULATIONS = 2000
Interval = tuple[float, float]

RATES = [(24, 0.02), (24, 0.5), (32, 0.05), (100, 0.01), (100, 0.1), (141, 0.97), (572, 0.02)]
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


if __name__ == "__main__":
    main()
