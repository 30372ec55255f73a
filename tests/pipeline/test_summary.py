from __future__ import annotations

import pytest

from polyrefuse_data.pipeline.summary import _money


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (0.0, "$0.00"),
        (0.0022, "$0.0022"),
        (0.00000123, "$0.0000012"),
        (0.05, "$0.050"),
        (0.999, "$1.00"),
        (1.0, "$1.00"),
        (12.345, "$12.35"),
        (1234.5, "$1234.50"),
    ],
)
def test_money_is_never_shown_as_none(usd: float, shown: str) -> None:
    assert _money(usd) == shown
