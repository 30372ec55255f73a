"""Splits the rows of a workspace into sorted Parquet files by language, label and split, without holding them all.

Two passes over rows.parquet: the first reads only the key columns and decides where each row goes; the second writes
batches into one Arrow file per target. Then each target is sorted by id and written in bounded row groups.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release import layout
from polyrefuse_data.release.content import UNREADABLE
from polyrefuse_data.release.schema import RELEASE_SCHEMA, to_release
from polyrefuse_data.rows import COLUMNS, LABELS, SCHEMA, SPLITS, STATUSES, in_every_language, usable
from polyrefuse_data.system.input_files import reason, regular_file
from polyrefuse_data.system.progress import progress, tracked
from polyrefuse_data.text.counts import counted

KEY_COLUMNS = ("id", "language", "label", "split", "status", "source", "license", "translator", "back_translator")
OUTSIDE_SUBSET = "outside_subset"  # the flag of rows that only a subset leaves out

Mask = np.ndarray[Any, np.dtype[np.bool_]]

_BATCH_ROWS = 16_384
# What bounds what a reader holds of each file: groups and pages of a few rows, no dictionaries of texts that differ.
ROW_GROUP_ROWS = 16_384
_DIFFERENT_TEXTS = {"id", "text", "text_en", "back_translation"}
_PARQUET: dict[str, Any] = {
    "compression": "zstd",
    "data_page_size": 1 << 16,
    "use_dictionary": [name for name in RELEASE_SCHEMA.names if name not in _DIFFERENT_TEXTS],
}


@dataclass(frozen=True)
class Plan:
    """For each row of rows.parquet: whether it goes into data/, and whether its prompt is complete in every
    language."""

    keep: Mask
    parallel: Mask


def read_keys(path: Path, columns: tuple[str, ...] = KEY_COLUMNS) -> pa.Table:
    """The key columns of rows.parquet, validated: each (id, language) once, each prompt with one label and one split.

    Raises ReleaseError naming the first offending rows.
    """
    try:
        found = pq.read_schema(regular_file(path)).names
        keys = pq.read_table(regular_file(path), columns=list(columns))
    except UNREADABLE as error:
        raise ReleaseError(f"{path} cannot be read ({reason(error)}): build or import the workspace again") from error
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise ReleaseError(f"{path} lacks the columns {', '.join(missing)}: build or import the workspace again")
    for name in ("id", "language", "label", "split", "status"):
        if keys[name].null_count:
            raise ReleaseError(f"{path}: {counted(keys[name].null_count, 'row has', 'rows have')} no {name}")
    for name, known in (("label", LABELS), ("split", SPLITS), ("status", STATUSES)):
        unknown = sorted(set(pc.unique(keys[name]).to_pylist()) - set(known))
        if unknown:
            raise ReleaseError(f"{path}: column {name} contains {unknown}; allowed are {', '.join(known)}")
    strange = sorted(code for code in pc.unique(keys["language"]).to_pylist() if not layout.is_language(code))
    if strange:
        raise ReleaseError(f"{path}: column language contains {strange}; use BCP-47 codes such as en or zh-Hant")
    _no_twice(keys, ["id", "language"], path, "occurs twice")
    for name in ("label", "split"):
        values = keys.select(["id", name]).group_by(["id", name]).aggregate([])
        _no_twice(values, ["id"], path, f"has more than one {name}")
    return keys


def _no_twice(table: pa.Table, names: list[str], path: Path, what: str) -> None:
    counts = table.select(names).group_by(names).aggregate([([], "count_all")])
    twice = counts.filter(pc.greater(counts["count_all"], 1)).sort_by([(name, "ascending") for name in names])
    if twice.num_rows:
        examples = ", ".join("/".join(row[name] for name in names) for row in twice.slice(0, 3).to_pylist())
        raise ReleaseError(f"{path}: {'/'.join(names)} {what}: {examples} ({twice.num_rows} in all)")


def plan_rows(keys: pa.Table, in_subset: Mask | None = None) -> Plan:
    """Which rows go into data/ (accepted, and in the subset if there is one), and which of them are parallel."""
    keep = usable(keys).to_numpy().copy()
    if in_subset is not None:
        keep &= in_subset
    return Plan(keep, in_every_language(keys, pa.array(keep)).to_numpy())


def write_partitions(rows: Path, plan: Plan, folder: Path) -> list[str]:
    """Write data/<language>/<label>-<split>.parquet and rejected/<language>.parquet under `folder`. Returns the paths
    written, sorted.

    A language, label or split without rows gets no file, because `datasets` cannot read an empty one.
    """
    spool = folder / ".spool"
    with contextlib.ExitStack() as stack:
        spooled = _spool(rows, plan, spool, stack)
    for target in tracked(spooled, "write", "files", len(spooled)):
        _write_sorted(spool / _spool_name(target), folder / target)
        (spool / _spool_name(target)).unlink()
    if spool.exists():
        spool.rmdir()
    return spooled


def _spool_name(target: str) -> str:
    return target.replace("/", "__")


def _spool(rows: Path, plan: Plan, spool: Path, stack: contextlib.ExitStack) -> list[str]:
    spool.mkdir(parents=True)
    writers: dict[str, Any] = {}
    bar = stack.enter_context(progress("read", "rows", len(plan.keep)))
    for batch, keep in _planned_batches(rows, plan):
        for target, part in _by_target(batch, keep):
            if target not in writers:
                sink = stack.enter_context(pa.OSFile(str(spool / _spool_name(target)), "wb"))
                writers[target] = stack.enter_context(pa.ipc.new_file(sink, RELEASE_SCHEMA))
            writers[target].write_table(part)
        bar.update(batch.num_rows)
    return sorted(writers)


def _planned_batches(rows: Path, plan: Plan) -> Iterator[tuple[pa.Table, Mask]]:
    start = 0
    with pq.ParquetFile(regular_file(rows)) as file:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            end = start + batch.num_rows
            table = pa.Table.from_batches([batch])
            _refuse_null_text(table, plan.keep[start:end], rows)
            parallel = pa.chunked_array([pa.array(plan.parallel[start:end])])
            table = table.set_column(table.schema.get_field_index("parallel"), "parallel", parallel)
            table = _flag_outside_subset(table, plan.keep[start:end])
            yield to_release(table), plan.keep[start:end]
            start = end


def _refuse_null_text(table: pa.Table, keep: Mask, path: Path) -> None:
    without = pc.and_(pc.is_null(table["text"]), pa.array(keep))
    for row in table.filter(without).slice(0, 1).to_pylist():
        raise ReleaseError(
            f"{path}: the accepted row {row['id']}/{row['language']} has no text: build or import the workspace again"
        )


def _flag_outside_subset(table: pa.Table, keep: Mask) -> pa.Table:
    outside = pc.and_(usable(table), pa.array(~keep)).to_pylist()
    if not any(outside):
        return table
    lists = table["flags"].to_pylist()
    flags = [[*(old or []), OUTSIDE_SUBSET] if out else old for old, out in zip(lists, outside, strict=True)]
    position = table.schema.get_field_index("flags")
    return table.set_column(position, "flags", pa.array(flags, SCHEMA.field("flags").type))


def _by_target(batch: pa.Table, keep: Mask) -> Iterator[tuple[str, pa.Table]]:
    kept, left = batch.filter(pa.array(keep)), batch.filter(pa.array(~keep))
    places = kept.select(["language", "label", "split"])
    for place in places.group_by(places.column_names).aggregate([]).to_pylist():
        same = (pc.equal(kept[name], value) for name, value in place.items())
        part = kept.filter(functools.reduce(pc.and_, same))
        yield layout.data_file(place["language"], LABELS[place["label"]], place["split"]), part
    for language in pc.unique(left["language"]).to_pylist():
        yield layout.rejected_file(language), left.filter(pc.equal(left["language"], language))


def _write_sorted(spooled: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with pa.memory_map(str(spooled)) as source:
        table = pa.ipc.open_file(source).read_all()
        order = pc.sort_indices(table["id"])
        with pq.ParquetWriter(target, RELEASE_SCHEMA, **_PARQUET) as writer:
            for start in range(0, table.num_rows, ROW_GROUP_ROWS):
                writer.write_table(table.take(order.slice(start, ROW_GROUP_ROWS)))
