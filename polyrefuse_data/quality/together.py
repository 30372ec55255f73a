"""The scores that all rows of a set decide together (checks/base.py: Together)."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.suite import Suite
from polyrefuse_data.quality.thresholds import Score


def scores_together(suite: Suite, tables: Iterable[pa.Table], scores: Iterable[pa.Table]) -> dict[Check, Score]:
    """A score for each row of all tables, by the check that gives it; `scores` are of single rows, table by table.

    Both may be read anew each time that they are gone through, so that memory does not grow with the set.
    """
    return {check: check.together.compute(tables, scores) for check in suite.together if check.together}
