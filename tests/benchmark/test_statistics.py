from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from polyrefuse_data.benchmark.monitor import measure
from polyrefuse_data.benchmark.statistics import (
    alarm_rate,
    auroc,
    auroc_interval,
    difference_interval,
    rate,
    rate_interval,
    threshold_at,
    wilson_interval,
)


def test_auroc_is_sklearns() -> None:
    from sklearn.metrics import roc_auc_score

    generator = np.random.default_rng(0)
    positive, negative = generator.integers(0, 9, 40) + 1.0, generator.integers(0, 9, 70) * 1.0  # with ties
    expected = roc_auc_score([1] * 40 + [0] * 70, np.concatenate([positive, negative]))
    assert auroc(positive, negative) == pytest.approx(expected, abs=1e-12)


def test_wilson_is_the_published_interval() -> None:
    """Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20 and 1 of 29."""
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (count, n), interval in published.items():
        assert wilson_interval(count / n, n) == pytest.approx(interval, abs=5e-5)


def test_a_difference_is_the_published_interval() -> None:
    """Newcombe 1998 (different prompts), table II, method 10: 56/70 - 48/80, 9/10 - 3/10, 10/10 - 0/10."""
    for (a, m, b, n), interval in {
        (56, 70, 48, 80): (0.0524, 0.3339),
        (9, 10, 3, 10): (0.1705, 0.8090),
        (10, 10, 0, 10): (0.6075, 1.0),
    }.items():
        first, second = [True] * a + [False] * (m - a), [True] * b + [False] * (n - b)
        assert difference_interval(first, second) == pytest.approx(interval, abs=5e-5)


def test_nothing_has_no_rate() -> None:
    assert math.isnan(rate([]))
    assert all(math.isnan(end) for end in (*rate_interval([]), *difference_interval([], [True])))


def test_the_threshold_lets_the_named_share_through() -> None:
    negative = np.arange(200.0)
    assert alarm_rate(negative, threshold_at(negative, 0.01)) == 0.01
    assert alarm_rate(negative[:50], threshold_at(negative[:50], 0.01)) == 0.0  # half a prompt of fifty is none


def test_recalibration_mends_a_shifted_language() -> None:
    """A target language whose projections all lie 10 higher: the carried threshold alarms at everything, shifted it
    does not."""
    generator = np.random.default_rng(1)

    def world(shift: float) -> dict[str, np.ndarray]:
        return {
            "train_harmless": generator.normal(shift, 1, 100),
            "test_harmless": generator.normal(shift, 1, 100),
            "test_harmful": generator.normal(shift + 8, 1, 100),
        }

    figures = measure(world(0), world(10))
    assert figures["auroc"] > 0.99
    assert figures["transferred_fpr"] == 1.0
    assert figures["recalibrated_fpr"] < 0.1
    assert figures["recalibrated_tpr"] > 0.9


@pytest.mark.parametrize(("positives", "negatives", "distance"), [(24, 24, 2.5), (141, 141, 1.0), (8, 40, 0.0)])
def test_intervals_of_an_auroc_hold_the_truth(positives: int, negatives: int, distance: float) -> None:
    truth = NormalDist().cdf(distance / 2**0.5)
    generator = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        value = auroc(generator.normal(distance, 1, positives), generator.normal(0, 1, negatives))
        low, high = auroc_interval(value, positives, negatives)
        held += low <= truth <= high
    assert held / 300 >= 0.91


def test_a_perfect_auroc_has_an_interval_too() -> None:
    low, high = auroc_interval(1.0, 24, 24)
    assert high == 1.0 and 0.8 < low < 0.95
    assert np.isnan(auroc_interval(float("nan"), 24, 24)).all()
