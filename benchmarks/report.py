"""Processor time and memory of the quality report.

    python benchmarks/report.py UPSTREAM [--rows 15000 100000]

UPSTREAM is a folder with PolyRefuse/ and english/ as published; its rows are repeated, each time with another number in
text and prompt and under other ids, so that no cache of whole texts helps. Each size runs in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.pipeline.build import check_rows
from polyrefuse_data.quality import write_report
from polyrefuse_data.sources import import_path
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace


@dataclass(frozen=True)
class Measured:
    """Seconds by the clock and of processor time; MiB beyond what the process held before; MiB of the page."""

    clock: float
    processor: float
    memory: float
    page: float


def fill(workspace: Workspace, upstream: Path, count: int) -> None:
    """`count` rows of a workspace, each of which the checks have seen."""
    import_path(upstream / "PolyRefuse", workspace, english=upstream / "english")
    published = workspace.read_rows()
    copies = [_copy(published, number) for number in range(-(-count // published.num_rows))]
    write_table(pa.concat_tables(copies).slice(0, count), workspace.rows)
    check_rows(workspace)


def _copy(rows: pa.Table, number: int) -> pa.Table:
    for name, mark in (("id", f"-{number}"), ("text", f" {number}"), ("text_en", f" {number}")):
        marked = pc.if_else(pc.equal(rows[name], ""), "", pc.binary_join_element_wise(rows[name], mark, ""))
        rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), marked)
    return rows


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
