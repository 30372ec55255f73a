"""Processor time and memory of the quality report.

    python benchmarks/report.py UPSTREAM [--rows 15000 100000]

UPSTREAM is a folder with PolyRefuse/ and english/ as published (published.py repeats its rows). Each size runs in a
process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from published import fill

from polyrefuse_data.quality import write_report
from polyrefuse_data.workspace import Workspace


@dataclass(frozen=True)
class Measured:
    """Seconds by the clock and of processor time; MiB beyond what the process held before; MiB of the page."""

    clock: float
    processor: float
    memory: float
    page: float


def measure(path: Path) -> Measured:
    before = _peak()
    clock, processor = time.perf_counter(), time.process_time()
    page = write_report(Workspace(path))
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    return Measured(clock, processor, _peak() - before, page.stat().st_size / 2**20)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _in_its_own_process(function, *arguments):  # type: ignore[no-untyped-def]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the quality report.")
    parser.add_argument("upstream", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[15_000, 100_000])
    options = parser.parse_args()
    for count in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            _in_its_own_process(fill, Workspace(Path(folder)), options.upstream, count)
            found = _in_its_own_process(measure, Path(folder))
        print(
            f"{count} rows: {found.processor:.1f} s of processor time ({found.clock:.1f} s), {found.memory:.0f} MiB "
            f"beyond the start, page {found.page:.2f} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
