from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from polyrefuse_data.benchmark.paired import Pairs, holm


def test_only_prompts_that_both_have_are_paired() -> None:
    first = {"a": True, "b": True, "c": False, "d": True}
    second = {"b": False, "c": False, "d": True, "e": False}
    assert Pairs.of(first, second) == Pairs(both=1, only_first=1, only_second=0, neither=1)
    nothing = Pairs.of(first, {})
    assert nothing.n == 0 and math.isnan(nothing.difference) and all(map(math.isnan, nothing.interval()))


def test_mcnemar_is_the_exact_binomial_test() -> None:
    from scipy.stats import binomtest

    for first, second in product(range(9), range(9)):
        wanted = binomtest(first, first + second).pvalue if first + second else 1.0
        assert Pairs(5, first, second, 7).p_value() == pytest.approx(wanted, abs=1e-12)


def test_holm_steps_down() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_pairs_tell_more_than_rates() -> None:
    """The same two rates, 60% and 50%: on the same prompts it is sure, on prompts that change sides it is not."""
    steady, changing = Pairs(50, 10, 0, 40), Pairs(30, 30, 20, 20)
    assert steady.difference == changing.difference == pytest.approx(0.1)
    assert steady.interval()[0] > 0 and steady.p_value() < 0.01
    assert changing.interval()[0] < 0 and changing.p_value() > 0.1


def test_the_same_verdicts_give_the_same_interval() -> None:
    assert Pairs(10, 4, 1, 9).interval() == Pairs(10, 4, 1, 9).interval()


def test_holm_keeps_false_findings_at_their_rate() -> None:
    """196 cells in which nothing differs: some cell is called significant in at most 5 of 100 matrices."""
    generator = np.random.default_rng(3)
    wrong = 0
    for _ in range(60):
        tables = generator.multinomial(40, [0.3, 0.2, 0.2, 0.3], size=196)
        wrong += min(holm([Pairs(*map(int, table)).p_value() for table in tables])) < 0.05
    assert wrong / 60 <= 0.10
