"""The search for cyclic garbage is held back for a while, and goes on whatever happens."""

from __future__ import annotations

import gc

import pytest

from polyrefuse_data.quality.score_table import scorer
from polyrefuse_data.quality.suite import suite_of
from polyrefuse_data.system.garbage import no_collection
from tests.quality.tables import make_table


def test_the_search_goes_on_after_an_error() -> None:
    with pytest.raises(ValueError, match="no"), no_collection():
        assert not gc.isenabled()
        raise ValueError("no")
    assert gc.isenabled()


def test_who_has_stopped_it_finds_it_stopped() -> None:
    gc.disable()
    try:
        with no_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_scoring_a_batch_of_rows_is_such_work() -> None:
    score = scorer(suite_of())
    score(make_table({}))  # loads what it needs
    before = [generation["collections"] for generation in gc.get_stats()]
    table = score(make_table(*({"text": f"Nennen Sie {number} Tipps"} for number in range(600))))
    assert table.num_rows == 600
    assert [generation["collections"] for generation in gc.get_stats()][1:] == before[1:]
    assert gc.isenabled()
