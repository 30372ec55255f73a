"""Intervals hold the truth as often as they promise, counted where the truth is known."""

from __future__ import annotations

import pytest
from interval_coverage import (
    PAIRS,
    RATES,
    difference_coverage,
    paired_coverage,
    percentile_bootstrap,
    plain_paired_bootstrap,
    rate_coverage,
    wilson,
)

# What discrete counts allow: the average over truths is 0.95, single ones lie around it.
_LOWEST = 0.91


@pytest.mark.parametrize(("n", "truth"), RATES)
def test_rates(n: int, truth: float) -> None:
    assert rate_coverage(n, truth, wilson) >= _LOWEST


def test_rates_are_covered_on_average() -> None:
    truths = [step / 200 for step in range(1, 200)]
    for n in (24, 32, 100):
        assert sum(rate_coverage(n, truth, wilson) for truth in truths) / len(truths) == pytest.approx(0.95, abs=0.01)


def test_the_percentile_bootstrap_would_not() -> None:
    """Why it is not what is reported: .63 at n=100, p=.01 and .38 at n=24, p=.02."""
    assert rate_coverage(100, 0.01, percentile_bootstrap) == pytest.approx(0.63, abs=0.01)
    assert rate_coverage(24, 0.02, percentile_bootstrap) == pytest.approx(0.38, abs=0.01)
    assert paired_coverage(24, PAIRS["nearly all change"], plain_paired_bootstrap) < 0.3


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("n", [24, 32])
def test_paired_differences(name: str, n: int) -> None:
    assert paired_coverage(n, PAIRS[name]) >= _LOWEST


@pytest.mark.parametrize(("first", "second"), [((32, 0.9), (32, 0.05)), ((24, 0.5), (100, 0.5))])
def test_differences_of_other_prompts(first: tuple[int, float], second: tuple[int, float]) -> None:
    assert difference_coverage(first, second) >= _LOWEST
