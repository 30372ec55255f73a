"""From finished shards to rows.parquet and attempts.parquet: what concerns rows of several shards is settled here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from polyrefuse_data import rows
from polyrefuse_data.config import QualityConfig
from polyrefuse_data.pipeline.shards.store import ShardStore
from polyrefuse_data.quality.auditing import mark_shared, shared_rows
from polyrefuse_data.system.files import atomic_path
from polyrefuse_data.translation.attempts import ATTEMPT_SCHEMA


@dataclass(frozen=True)
class _Tables:
    """The tables of all shards, as often as they are asked for, one in memory at a time."""

    read: Callable[[int], pa.Table]
    count: int

    def __iter__(self) -> Iterator[pa.Table]:
        return map(self.read, range(self.count))


def merge(
    store: ShardStore,
    count: int,
    quality: QualityConfig,
    rows_path: Path,
    attempts_path: Path,
    metadata: Mapping[bytes, bytes],
) -> None:
    """Write the rows (rows.SCHEMA) and tries of `count` shards, in their order; memory does not grow with their number.

    Shared translations are flagged over all rows, then `parallel` is set. `metadata` is kept in the file of the rows.
    """
    checked = _Tables(store.rows, count)
    shared = shared_rows(checked, quality)

    def marked() -> Iterator[pa.Table]:
        start = 0
        for table in checked:
            yield mark_shared(table, shared[start : start + table.num_rows], quality)
            start += table.num_rows

    used: set[str] = set()
    for table in marked():
        used.update(pc.unique(table["language"].filter(rows.usable(table))).to_pylist())
    schema = rows.SCHEMA.with_metadata(dict(metadata))
    _write(rows_path, schema, (rows.mark_parallel(table, len(used)) for table in marked()))
    _write(attempts_path, ATTEMPT_SCHEMA, iter(_Tables(store.attempts, count)))


def _write(target: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    with atomic_path(target) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table.select(schema.names).cast(schema))
