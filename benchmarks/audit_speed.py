"""Rows a second and memory of audit on rows with back-translations.

    python benchmarks/audit_speed.py UPSTREAM [--rows 10000 100000 1000000] [--workers 1 2]

UPSTREAM is a folder with PolyRefuse/ as published; its back-translated rows are repeated, each time with another number
in text and prompt, so that no cache of whole texts helps. Each size and number of workers runs in a process of its own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

_PROCESSES = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
_SHARD = 10_000  # rows made at once, so that making the table takes no more memory than checking it


def rows_of(upstream: Path, count: int) -> pa.Table:
    from polyrefuse_data.rows import table_from_rows

    found = []
    for code in ("de", "ko", "yo"):
        file = upstream / "PolyRefuse" / "harmful_test_back_translated" / f"harmful_test_back_translated_{code}.json"
        for row in json.loads(file.read_text(encoding="utf-8")):
            found.append((code, row["instruction"], row["instruction_translated"], row["instruction_back_translated"]))

    def row_of(number: int) -> dict[str, str]:
        code, english, text, back = found[number % len(found)]
        mark = f" {number // len(found)}"
        row = {"id": f"row-{number}", "language": code, "label": "harmful", "split": "test"}
        return {**row, "text": text + mark, "text_en": english + mark, "back_translation": back + mark}

    starts = range(0, count, _SHARD)
    return pa.concat_tables(table_from_rows(map(row_of, range(start, min(start + _SHARD, count)))) for start in starts)


@dataclass(frozen=True)
class Measured:
    """Rows a second by the clock and by processor time; MiB of the table, of this process before and
    at the peak, and of the largest of the other processes."""

    speed: float
    effort: float
    table: float
    before: float
    peak: float
    other: float


def measure(upstream: Path, count: int, workers: int) -> Measured:
    from polyrefuse_data.quality import audit

    table = rows_of(upstream, count)
    audit(table.slice(0, 10))  # loads the identifier and the lexicons
    before = _resident()
    clock, processor = time.perf_counter(), _processor_time()
    audit(table, workers=workers)
    clock, processor = time.perf_counter() - clock, _processor_time() - processor
    peak, other = (resource.getrusage(who).ru_maxrss / 1024 for who in _PROCESSES)
    return Measured(count / clock, count / processor, table.nbytes / 2**20, before, peak, other)


def _processor_time() -> float:
    """Seconds of this process and of those that it has started and waited for."""
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, _PROCESSES))


def _resident() -> float:
    """MiB that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the speed and memory of audit.")
    parser.add_argument("upstream", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="processes that check rows")
    options = parser.parse_args()
    for count, workers in itertools.product(options.rows, options.workers):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.apply(measure, (options.upstream, count, workers))
        print(
            f"{count} rows, {workers} workers: {found.speed:,.0f} rows/s ({found.effort:,.0f} per processor second), "
            f"table {found.table:.0f} MiB, audit {found.peak - found.before:.0f} MiB beyond it, process "
            f"{found.peak:.0f} MiB at the peak, each other one {found.other:.0f} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
