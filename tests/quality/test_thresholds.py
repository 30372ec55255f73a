"""Verdicts are a pure function of scores and bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import language
from polyrefuse_data.quality import Threshold
from polyrefuse_data.quality.checks import CHECKS
from polyrefuse_data.quality.suite import suite_of
from polyrefuse_data.quality.verdicts import judged
from tests.quality.tables import make_table


def test_verdicts_come_from_scores_alone() -> None:
    """Raising a floor needs no text: the same scores give the new verdict."""
    rows = make_table({}, {}, {})
    scores = pa.table({"chrf_counted": pa.array([10.0, 35.0, None], pa.float64())})

    def flagged(config: dict[str, Any]) -> list[bool]:
        found = judged(rows, scores, suite_of(config).bounds)
        return ["back_translation" in flags for flags in found["flags"].to_pylist()]

    assert flagged({}) == [True, False, False]
    assert flagged({"thresholds": {"back_translation": 40}}) == [True, True, False]


def test_a_language_bound_of_the_config_leaves_the_others() -> None:
    bounds = suite_of({"thresholds": {"back_translation": {"yo": 33}}}).bounds
    assert bounds.bounds("back_translation", ["yo", "de"]).tolist() == [
        33.0,
        language("de").traits.bounds["back_translation"].bound,
    ]


def test_every_check_says_what_it_means_and_where_its_bounds_come_from() -> None:
    for check in CHECKS:
        assert check.scores and check.thresholds, check.name
        assert all(threshold.source for threshold in check.thresholds), check.name
        assert {threshold.score for threshold in check.thresholds} <= set(check.scores), check.name


def test_a_disabled_flag_takes_all_its_thresholds_away() -> None:
    table = suite_of({"disable": ["length_ratio"]}).bounds.table
    assert not {"length_ratio_min", "length_ratio_max"} & set(table)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "at_least or at_most"),
        ({"at_least": 1, "at_most": 2}, "at_least or at_most"),
        ({"at_least": float("nan")}, "is not a bound"),
        ({"at_most": "2"}, "is not a bound"),
        ({"at_most": 2, "by_language": {"de": None}}, "is not a bound"),
        ({"at_most": 2, "flag": "two words"}, "is not a valid name"),
        ({"at_most": 2, "score": ""}, "is not a valid name"),
        ({"at_most": 2, "name": "<b>"}, "is not a valid name"),
    ],
)
def test_a_threshold_that_is_none_cannot_be_made(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Threshold(**{"flag": "loud", "score": "capitals", **fields})


def test_a_score_on_its_bound_is_within_it() -> None:
    bound = np.array([0.5, 0.5, 0.5])
    score = np.array([0.5, 0.6, np.nan])
    assert Threshold("loud", "capitals", at_most=0.5).accept(score, bound).tolist() == [True, False, True]
    assert Threshold("quiet", "capitals", at_least=0.6).accept(score, bound).tolist() == [True, True, True]
