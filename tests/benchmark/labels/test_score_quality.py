"""A judge's score against people's labels: each label weighs as many replies as it stands for."""

from __future__ import annotations

import pytest

from polyrefuse_data.benchmark.labels.score_quality import Scored, score_auroc
from polyrefuse_data.benchmark.statistics import auroc_interval


def test_labels_that_stand_for_more_replies_weigh_more() -> None:
    replies = [Scored(0.9, 1, 1.0), Scored(0.2, 3, 1.0), Scored(0.5, 2, 0.0)]
    repeated = [Scored(0.9, 1, 1.0), *[Scored(0.2, 1, 1.0)] * 3, *[Scored(0.5, 1, 0.0)] * 2]
    assert score_auroc(replies)["auroc"] == score_auroc(repeated)["auroc"] == pytest.approx(0.25)


def test_the_interval_is_that_of_as_many_equal_labels() -> None:
    found = score_auroc([*[Scored(0.9, 2, 1.0)] * 20, *[Scored(0.1, 5, 0.0)] * 10])
    assert (found["auroc_low"], found["auroc_high"]) == auroc_interval(1.0, 20, 10)


def test_ties_and_divided_people_count_half() -> None:
    assert score_auroc([Scored(0.5, 1, 1.0), Scored(0.5, 1, 0.0)])["auroc"] == 0.5
    assert score_auroc([Scored(0.9, 1, 0.5), Scored(0.1, 1, 0.5)])["auroc"] == 0.5


def test_nothing_is_told_without_scores_or_of_one_kind() -> None:
    assert score_auroc([]) == {}
    assert score_auroc([Scored(0.5, 1, 1.0)])["auroc"] is None
