"""Cases of one kind of test: some prove it with every change, the others in `make slow`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def quick(few: Iterable[object], others: Iterable[object]) -> list[Any]:
    """Cases for `parametrize`: `few` with every change, `others` in `make slow`."""
    return [*few, *map(slow, others)]


def every_second(cases: Iterable[object]) -> list[Any]:
    """The first of these cases, the third, and so on with every change, the others in `make slow`."""
    return [slow(case) if place % 2 else case for place, case in enumerate(cases)]


def slow(case: object) -> Any:
    """This case in `make slow` alone; a tuple is the values of several arguments."""
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
