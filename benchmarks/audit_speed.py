"""Rows a second and memory of audit on rows with back-translations.

    python benchmarks/audit_speed.py UPSTREAM [--rows 10000 100000 1000000]

UPSTREAM is a folder with PolyRefuse/ as published; its back-translated rows are repeated, each time with another number
in text and prompt, so that no cache of whole texts helps. Each size runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

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
    """Rows a second by the clock and by processor time; MiB of the table, of the process before and at the peak."""

    speed: float
    effort: float
    table: float
    before: float
    peak: float


def measure(upstream: Path, count: int) -> Measured:
    from polyrefuse_data.quality import audit

    table = rows_of(upstream, count)
    audit(table.slice(0, 10))  # loads the identifier and the lexicons
    before = _resident()
    clock, processor = time.perf_counter(), time.process_time()
    audit(table)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(count / clock, count / processor, table.nbytes / 2**20, before, peak)


def _resident() -> float:
    """MiB that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the speed and memory of audit.")
    parser.add_argument("upstream", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    options = parser.parse_args()
    for count in options.rows:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.apply(measure, (options.upstream, count))
        print(
            f"{count} rows: {found.speed:,.0f} rows/s ({found.effort:,.0f} per processor second), table "
            f"{found.table:.0f} MiB, audit {found.peak - found.before:.0f} MiB beyond it, "
            f"process {found.peak:.0f} MiB at the peak",
            flush=True,
        )


if __name__ == "__main__":
    main()
