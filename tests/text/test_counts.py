from __future__ import annotations

import pytest

from polyrefuse_data.text.counts import counted


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (counted(0, "row"), "0 rows"),
        (counted(1, "row"), "1 row"),
        (counted(2, "row"), "2 rows"),
        (counted(1, "reply", "replies"), "1 reply"),
        (counted(3, "row has", "rows have"), "3 rows have"),
    ],
)
def test_one_is_singular_and_nothing_else(told: str, said: str) -> None:
    assert told == said
