"""Python's search for cyclic garbage, held back where it finds none.

It runs once for so many new objects and, now and then, goes through all that the process holds: lexicons and models of
hundreds of thousands of objects. Work that makes many small objects and no cycles pays a sixth of its time for nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """No search within; afterwards as before. For work of a bounded size: cycles that it makes stay until it ends."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
