"""Limits on time that hold on a busy machine too."""

from __future__ import annotations

import time

LONG_ENOUGH = 300.0  # for what ends by itself: reached only where something hangs
_SAMPLE = 0.2  # seconds of the processor


def in_time(began: float, limit: float) -> bool:
    """Whether what began at `began` (`time.monotonic()`) took less than `limit` seconds, or would have, had the machine
    been ours alone."""
    taken = time.monotonic() - began
    return taken < limit or taken < 2 * limit * _slowness()


def _slowness() -> float:
    """How many times longer work takes just now than the processor needs for it."""
    began, used = time.monotonic(), time.process_time()
    while time.process_time() - used < _SAMPLE:
        pass
    return (time.monotonic() - began) / _SAMPLE
