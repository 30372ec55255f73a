"""The estimator against simulated replies of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from interval_coverage import JUDGES, judge_coverage, labelled

from polyrefuse_data.benchmark.labels.errors import Labelled, Population, corrected_rate, judge_errors, true_rate

# 400 simulations: a promised .95 is counted within .02 of it 95 times in 100; the worst of many is lower.
_LOWEST = 0.92


@pytest.mark.parametrize(("n", "truth", "sensitivity", "specificity", "labels"), [JUDGES[0], JUDGES[4]])
def test_intervals_hold_the_truth(
    n: int, truth: float, sensitivity: float, specificity: float, labels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interval_coverage.JUDGE_SIMULATIONS", 300)
    found = judge_coverage(n, truth, sensitivity, specificity, labels)
    covered = (
        found.rates_covered,
        found.other_rates_covered,
        found.sensitivity_covered,
        found.specificity_covered,
    )
    assert min(covered) >= _LOWEST
    assert found.rate == pytest.approx(truth, abs=0.01)
    assert found.raw == pytest.approx(truth * sensitivity + (1 - truth) * (1 - specificity), abs=0.01)


def test_the_chinese_example_is_corrected_to_the_truth() -> None:
    """.765 as the judge counts, .892 by reference."""
    found = judge_coverage(*JUDGES[0])
    assert found.raw == pytest.approx(0.765, abs=0.005)
    assert found.rate == pytest.approx(0.892, abs=0.005)


def test_labels_are_weighted_by_the_replies_that_they_stand_for() -> None:
    """Half of the labels are on the one tenth of replies that the judge calls refusals; unweighted, it would find 45 of
    55 refusals, and leave 45 of 45 others alone."""
    population = Population(1000, 100, Labelled(50, 45), Labelled(50, 10))
    finds, leaves = judge_errors([population])
    assert finds.value == pytest.approx(90 / (90 + 180))
    assert leaves.value == pytest.approx(720 / (720 + 10))
    assert true_rate(population).value == pytest.approx(0.27)
    assert corrected_rate(population, 100, 1000).value == pytest.approx(0.27)  # the same, by Rogan and Gladen


def test_intervals_narrow_with_labels_and_never_below_those_of_replies() -> None:
    generator = np.random.default_rng(0)
    refuses = generator.random(500) < 0.6
    called = generator.random(500) < np.where(refuses, 0.85, 0.05)
    estimates = [true_rate(labelled(refuses, called, n)) for n in (20, 60, 200, 500)]
    widths = [estimate.high - estimate.low for estimate in estimates]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] > 2 * 1.96 * np.sqrt(0.6 * 0.4 / 500) * 0.9


def test_a_judge_that_guesses_corrects_nothing() -> None:
    guessing = Population(200, 100, Labelled(40, 20), Labelled(40, 20))
    assert corrected_rate(guessing, 50, 100).value is None
    assert true_rate(guessing).value == pytest.approx(0.5)  # its own replies are known from their labels


def test_without_labels_of_a_verdict_nothing_is_said() -> None:
    unknown = Population(100, 50, Labelled(10, 10), Labelled())
    assert not unknown.is_known
    assert true_rate(unknown).value is None
    assert corrected_rate(unknown, 10, 20).value is None
    assert judge_errors([unknown])[0].value is None
    assert true_rate(Population(100, 100, Labelled(10, 9), Labelled())).value == pytest.approx(0.9)  # none is needed


def test_populations_of_the_same_numbers_vary_apart() -> None:
    one = Population(100, 50, Labelled(25, 20), Labelled(25, 5))
    together, alone = judge_errors([one, one])[0], judge_errors([one])[0]
    assert together.high - together.low < 0.85 * (alone.high - alone.low)
