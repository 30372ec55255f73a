"""What this process may use of the machine, and how it keeps its memory."""

from __future__ import annotations

import ctypes
import os

# glibc's M_ARENA_MAX, M_MMAP_MAX and M_TRIM_THRESHOLD (malloc.h): blocks of any size come from one heap that never
# shrinks.
_MALLOPT = {-8: 1, -4: 0, -1: 2**31 - 1}


def cores() -> int:
    """The number of cores that this process may use; in a container, fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_freed_memory() -> None:
    """Let this process keep freed memory for reuse; its peak does not change.

    Only for a process of our own, since it cannot be undone: a build that translates with CTranslate2 on a CPU. The
    scores of a step (batch x vocabulary) are freed after it, and glibc returns blocks of more than 32 MiB to the system
    at once. Without this, a seventh of the time goes into getting the same memory back, cleared, at every step.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # not glibc: its allocator takes no such settings
        return
    for parameter, value in _MALLOPT.items():
        mallopt(parameter, value)
