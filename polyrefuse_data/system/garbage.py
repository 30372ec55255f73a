"""Python's search for cyclic garbage, made rare where it finds next to none.

It runs after 700 new objects and, now and then, goes through all that the process holds: lexicons of hundreds
of thousands of objects. Work that makes many small objects and few cycles pays a sixth of its time for nothing.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_MANY = 200_000  # new objects that are still in use, after which it is looked whether they all are: some 20 MB

_lock = threading.Lock()
_before: list[tuple[int, int, int]] = []  # what to go back to, once for each that is within


@contextmanager
def rare_collection() -> Iterator[None]:
    """The search is made seldom within, by any thread; afterwards as before. Where it is off, it stays off."""
    with _lock:
        _before.append(gc.get_threshold())
        youngest, *others = _before[0]
        if youngest:
            gc.set_threshold(max(youngest, _MANY), *others)
    try:
        yield
    finally:
        with _lock:
            first = _before[0]
            _before.pop()
            if not _before:
                gc.set_threshold(*first)
