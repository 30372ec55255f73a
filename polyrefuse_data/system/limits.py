"""Limits on foreign programs, such as the chat template of a model folder in Jinja's sandbox.

The sandbox keeps a template away from files and from Python's internals, but not from the machine's time and memory:
two nested loops never end, and `'a' * 10**11` takes everything.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

_STATM = Path("/proc/self/statm")  # in pages; the first number is the size of the address space


class _OutOfTime(BaseException):
    """Not an Exception, because Jinja swallows those while it folds constants."""


@contextlib.contextmanager
def bounded(seconds: float, megabytes: int) -> Iterator[None]:
    """Raise TimeoutError after `seconds`, or MemoryError if the block uses more than `megabytes` beyond what was in
    use.

    Time is limited in the main thread only, where signals arrive; memory on Linux only. Other threads that allocate
    meanwhile share the limit.
    """
    try:
        with _deadline(seconds), _memory_limit(megabytes):
            yield
    except _OutOfTime:
        raise TimeoutError(f"took more than {seconds:g} seconds") from None


@contextlib.contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _memory_limit(megabytes: int) -> Iterator[None]:
    if not _STATM.exists():
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    in_use = int(_STATM.read_text().split()[0]) * resource.getpagesize()
    limit = in_use + megabytes * 2**20
    allowed = [bound for bound in (soft, hard) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([limit, *allowed]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
