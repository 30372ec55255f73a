from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality import audit
from tests.quality.tables import make_table


def rated(name: str, values: Sequence[Any]) -> pa.Table:
    table = make_table(*({"id": f"row-{row}"} for row in range(len(values))))
    return table.append_column(name, pa.array(values))


def flags(table: pa.Table, config: Any = None) -> list[list[str]]:
    found: list[list[str]] = audit(table, config)["flags"].to_pylist()
    return found


@pytest.mark.parametrize(
    ("name", "values", "rejected"),
    [
        ("human", [0, 49.9, 50, 100, None], [True, True, False, False, False]),
        ("comet", [-0.1, 0.49, 0.9, 1.01], [True, True, False, False]),
        ("metricx", [0.0, 9.5, 10.5, 25.0], [False, False, True, True]),
        ("human", [None, None], [False, False]),
    ],
)
def test_scores_on_their_scale_meet_their_bound(name: str, values: list[Any], rejected: list[bool]) -> None:
    assert [name in found for found in flags(rated(name, values))] == rejected


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("human", [1, 3, 5]),
        ("human", [0.2, 0.9]),
        ("human", [-0.7, 80]),
        ("human", [70, 101]),
        ("comet", [55.0, 87.0]),
        ("metricx", [3.0, 88.0]),
    ],
)
def test_a_column_on_another_scale_is_an_error_that_tells_the_mend(name: str, values: list[Any]) -> None:
    """On a bound of another scale every row fails, or none does."""
    table = rated(name, values)
    with pytest.raises(ConfigError, match=rf"column {name} goes from .* quality\.thresholds\.{name}"):
        audit(table)
    audit(table, {"disable": [name]})


def test_a_bound_on_the_columns_own_scale_is_taken() -> None:
    assert flags(rated("human", [1, 3, 5]), {"thresholds": {"human": 3}}) == [["human"], [], []]


def test_yes_and_no_are_no_scores() -> None:
    with pytest.raises(ConfigError, match="column human does not hold numbers"):
        audit(rated("human", [True, False]))
