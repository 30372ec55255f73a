"""Parquet files, one row group at a time. The same groups give the same bytes, however their tables were put
together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from polyrefuse_data.system.files import atomic_path
from polyrefuse_data.system.input_files import regular_file


def write_groups(target: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Write a file with one row group per table, atomically, with the columns and types of `schema`."""
    with atomic_path(target) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for table in tables:
            # Pages end where the chunks of a column do, so that these may not differ.
            writer.write_table(table.select(schema.names).cast(schema).combine_chunks())


def with_metadata(schema: pa.Schema, *metadata: Mapping[bytes, bytes] | None) -> pa.Schema:
    """The schema with the metadata of all of these; later ones override, keys in alphabetical order."""
    noted = {key: value for part in metadata for key, value in (part or {}).items()}
    return schema.with_metadata(dict(sorted(noted.items())))


def group_sizes(path: Path) -> list[int]:
    """Rows in each row group of a file; empty if there is no file."""
    if not path.exists():
        return []
    metadata = pq.read_metadata(regular_file(path))
    return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


def cut(table: pa.Table, sizes: list[int]) -> Iterator[pa.Table]:
    """The table in parts of these sizes; in one part if they do not add up to it."""
    if sum(sizes) != table.num_rows:
        sizes = [table.num_rows]
    start = 0
    for size in sizes:
        yield table.slice(start, size)
        start += size
