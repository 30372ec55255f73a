"""The fit finds what scores say, counts what two say once, and is calibrated on rows that it has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from polyrefuse_data.languages.probability import ProbabilityTable
from polyrefuse_data.quality.probability.fit import LENGTH, Fitted, Known, fit
from polyrefuse_data.quality.probability.tables import table_text
from polyrefuse_data.system.toml import parse_toml


def made_rows(seed: int, size: int = 6000) -> Known:
    """Two languages; chrf and lengths tell good rows, `correspondence` says what chrf says, the others nothing."""
    random = np.random.default_rng(seed)
    codes = np.array(["de", "ko"])[random.integers(0, 2, size)]
    good = random.random(size) < np.where(codes == "de", 0.6, 0.4)
    chrf = 50 + 12 * (good - 0.5) + 10 * random.standard_normal(size)
    known = random.random(size) < 0.7
    lengths = np.exp(np.where(codes == "de", 0.2, -0.8) + np.where(good, 0.1, 0.4) * random.standard_normal(size))
    scores = {
        "chrf": np.where(known, chrf, np.nan),
        "correspondence": np.where(known, chrf / 10 + 0.1 * random.standard_normal(size), np.nan),
        "answer": np.zeros(size),
        "punctuation": random.integers(0, 9, size) / 2,
        LENGTH: lengths,
    }
    return Known(scores, codes, good, np.ones(size), random.integers(0, 256, size))


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(made_rows(1))


def test_rows_that_no_fit_has_seen_are_as_probable_as_it_says(fitted: Fitted) -> None:
    rows = made_rows(2)
    sums = fitted.curves.sums(rows)
    intercept, slope = (np.array([fitted.calibration[code][place] for code in rows.codes]) for place in (0, 1))
    p = 1 / (1 + np.exp(-(intercept + slope * sums)))
    for code in ("de", "ko"):
        own = rows.codes == code
        for low in (0.0, 0.2, 0.4, 0.6, 0.8):
            some = own & (low <= p) & (p < low + 0.2)
            if some.sum() > 100:
                assert p[some].mean() == pytest.approx(rows.good[some].mean(), abs=0.07)
    assert p[rows.good].mean() - p[~rows.good].mean() > 0.3


def test_scores_that_say_the_same_do_not_count_twice(fitted: Fitted) -> None:
    both = sum(np.ptp(curve.nats) for name, curve in fitted.curves.common.items() if name in ("chrf", "correspondence"))
    one = fit(without(made_rows(1), "correspondence")).curves.common["chrf"]
    assert both == pytest.approx(np.ptp(one.nats), rel=0.3)


def test_scores_that_say_nothing_have_no_curve(fitted: Fitted) -> None:
    assert "answer" not in fitted.curves.common
    assert "punctuation" not in fitted.curves.common or np.ptp(fitted.curves.common["punctuation"].nats) < 0.3


def test_unusual_lengths_count_in_each_language_by_its_own_measure(fitted: Fitted) -> None:
    for code, usual in (("de", 1.2), ("ko", 0.45)):
        curve = fitted.curves.lengths[code]
        shorter, own, longer = curve.read(np.array([usual / 3, usual, usual * 3]))
        assert own > 0 > shorter and own > longer


def test_a_table_is_read_as_it_was_fitted(fitted: Fitted) -> None:
    text = table_text(fitted.curves.common, fitted.calibration[""], "made rows", is_common=True)
    table = ProbabilityTable.model_validate(parse_toml(text))
    assert (table.intercept, table.slope) == pytest.approx(fitted.calibration[""], abs=1e-3)
    for name, curve in fitted.curves.common.items():
        assert table.curves[name].nats == pytest.approx(curve.nats, rel=0.01)


def without(rows: Known, name: str) -> Known:
    scores = {**rows.scores, name: np.full(len(rows.good), np.nan)}
    return Known(scores, rows.codes, rows.good, rows.weight, rows.prompt)
