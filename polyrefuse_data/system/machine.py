"""What this process may use of the machine, and how it keeps its memory."""

from __future__ import annotations

import ctypes
import os

# glibc's M_ARENA_MAX, M_MMAP_MAX and M_TRIM_THRESHOLD (malloc.h): blocks of any size come from one heap that never
# shrinks.
_MALLOPT = {-8: 1, -4: 0, -1: 2**31 - 1}


def cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_freed_memory() -> None:
    """Let this process keep what it frees, for its next use; what it holds at its peak does not change.

    For a process that is ours alone, since it cannot be undone: a build that translates with CTranslate2 on a CPU. The
    scores of a step (batch x vocabulary) are freed after it, and glibc gives blocks of more than 32 MiB back to the
    system at once: without this, a seventh of the time is the system handing out the same memory, cleared, every step.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # not glibc: its allocator does as it likes
        return
    for parameter, value in _MALLOPT.items():
        mallopt(parameter, value)
