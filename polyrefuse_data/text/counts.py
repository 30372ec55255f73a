"""Numbers of things, as a sentence says them."""

from __future__ import annotations

from collections.abc import Mapping


def counted(number: int, one: str, several: str = "") -> str:
    """`1 row`, `2 rows`; `several` where it is not `one` and an s: `1 row has`, `2 rows have`."""
    return f"{number} {named(number, one, several)}"


def named(number: int, one: str, several: str = "") -> str:
    """What stands after the number, where that is printed in a way of its own."""
    return one if number == 1 else several or f"{one}s"


def each_counted(counts: Mapping[str, int]) -> str:
    """`12 accepted, 3 rejected`."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())
