"""Verdicts are a pure function of scores and bounds."""

from __future__ import annotations

import pyarrow as pa

from polyrefuse_data.config import QualityConfig
from polyrefuse_data.languages import language
from polyrefuse_data.quality.thresholds import THRESHOLDS, thresholds
from polyrefuse_data.quality.verdicts import judged


def test_verdicts_come_from_scores_alone() -> None:
    """Raising a floor needs no text: the same scores give the new verdict."""
    scores = pa.table({"chrf": pa.array([10.0, 35.0, None])})
    rows = pa.table({"language": ["de", "de", "de"]})

    def flagged(config: QualityConfig) -> list[bool]:
        return [
            flags == ["back_translation"] for flags in judged(rows, scores, thresholds(config))["flags"].to_pylist()
        ]

    assert flagged(QualityConfig()) == [True, False, False]
    assert flagged(QualityConfig(thresholds={"back_translation": 40})) == [True, True, False]


def test_a_language_bound_of_the_config_leaves_the_others() -> None:
    bounds = thresholds(QualityConfig(thresholds={"back_translation": {"yo": 33}}))
    assert bounds.bounds("back_translation", ["yo", "de"]).tolist() == [
        33.0,
        language("de").traits.bounds["back_translation"].bound,
    ]


def test_every_threshold_names_its_source() -> None:
    assert all(row.source for row in THRESHOLDS.values())


def test_a_disabled_flag_takes_all_its_thresholds_away() -> None:
    table = thresholds(QualityConfig(disable=["length_ratio"])).table
    assert not {"length_ratio_min", "length_ratio_max"} & set(table)
