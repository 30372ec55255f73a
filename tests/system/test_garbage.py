"""The search for cyclic garbage is made rare for a while, and goes on as before whatever happens."""

from __future__ import annotations

import gc
from contextlib import ExitStack

import pytest

from polyrefuse_data.quality import audit
from polyrefuse_data.system.garbage import rare_collection
from tests.quality.tables import make_table


def test_it_goes_on_as_before_after_an_error() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="no"), rare_collection():
        assert gc.get_threshold()[0] > 100 * before[0]
        raise ValueError("no")
    assert gc.get_threshold() == before


def test_the_last_of_several_that_are_within_goes_back() -> None:
    before = gc.get_threshold()
    first, second = ExitStack(), ExitStack()
    first.enter_context(rare_collection())
    second.enter_context(rare_collection())
    first.close()
    assert gc.get_threshold() != before
    second.close()
    assert gc.get_threshold() == before


def test_it_stays_off_where_it_is_off() -> None:
    before = gc.get_threshold()
    gc.set_threshold(0)
    try:
        with rare_collection():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)


def test_rows_are_checked_with_few_searches() -> None:
    def searches() -> int:
        return sum(generation["collections"] for generation in gc.get_stats())

    audit(make_table({}), workers=1)  # loads what it needs
    before = searches()
    audit(make_table(*({"text": f"Nennen Sie {number} Tipps"} for number in range(600))), workers=1)
    assert searches() - before < 12  # 16 otherwise, and ever more with more rows
