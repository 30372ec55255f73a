"""Peak memory of this program, as the kernel records it.

What getrusage says begins with the peak of the process that started it, and cannot be reset.
"""

from __future__ import annotations

import re
from pathlib import Path


def forget_peak() -> None:
    """Begin anew from what is in memory now (proc(5))."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_mib() -> float:
    record = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert record, "this kernel keeps no peak of memory"
    return int(record[1]) / 1024
