"""Numbers of things, as a sentence says them."""

from __future__ import annotations

from collections.abc import Mapping

_HUNDRED = 100  # a tenth of a percent of fewer is nobody


def counted(number: int, one: str, several: str = "") -> str:
    """`1 row`, `2 rows`; `several` where it is not `one` and an s: `1 row has`, `2 rows have`."""
    return f"{number} {named(number, one, several)}"


def named(number: int, one: str, several: str = "") -> str:
    """What stands after the number, where that is printed in a way of its own."""
    return one if number == 1 else several or f"{one}s"


def percent_of(part: int, whole: int) -> str:
    """`97.0%`; `92%` of fewer than a hundred; `0%` and `100%` only where it is none or all of them."""
    if part in (0, whole):
        return "100%" if part else "0%"
    if whole < _HUNDRED:
        return f"{100 * part / whole:.0f}%"
    return f"{min(max(100 * part / whole, 0.1), 99.9):.1f}%"


def each_counted(counts: Mapping[str, int]) -> str:
    """`12 accepted, 3 rejected`."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())
