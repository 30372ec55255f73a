"""The content hash: identifies the rows of a release, whatever wrote the files.

content_sha256 is the sha256 of the UTF-8 JSON array of the data rows sorted by (id, language): one object per row
with the columns of rows.py (`expected` follows from `label` and is left out), keys sorted, no spaces, non-ASCII text as
it is, `label` by name, scores as the float32 values they are, null if absent:
`json.dumps(rows, sort_keys=True, ensure_ascii=False, separators=(",", ":"))`.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release.schema import SCHEMAS
from polyrefuse_data.rows import COLUMNS, LABELS
from polyrefuse_data.system.input_files import reason, regular_file

Row = dict[str, Any]
Tagged = tuple[Row, bool]  # a row, and whether it is in data/ (not in rejected/)
_LABEL_NAMES = dict(enumerate(LABELS))

# What pyarrow raises for a Parquet file that is damaged: its own errors, the system's, and text that is not UTF-8.
UNREADABLE = (pa.ArrowException, OSError, ValueError)

_BUFFER_BYTES = 1 << 16  # of each column, instead of its whole row group
_BATCH_ROWS = 256  # of each file at a time: dozens of files are merged at once


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a release's Parquet file in file order, with labels by name, one batch in memory at a time.

    Raises ReleaseError if the file is missing, broken, or has other columns than a release.
    """
    try:
        with pq.ParquetFile(regular_file(path), buffer_size=_BUFFER_BYTES) as file:
            if not any(file.schema_arrow.equals(schema, check_metadata=False) for schema in SCHEMAS.values()):
                raise ReleaseError(f"{path}: its columns or types are not those of a release")
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(COLUMNS)):
                for row in batch.to_pylist():
                    yield {**row, "label": _LABEL_NAMES[row["label"]]}
    except KeyError as error:
        raise ReleaseError(f"{path}: label {error} is not one of {', '.join(LABELS)}") from None
    except UNREADABLE as error:
        raise ReleaseError(
            f"{path} cannot be read ({reason(error)}): `polyrefuse verify` shows what else is wrong"
        ) from error


def row_key(row: Row) -> tuple[str, str]:
    """The key by which releases are sorted and compared."""
    return row["id"], row["language"]


def merged_rows(paths: Iterable[Path]) -> Iterator[Row]:
    """Merge the rows of many files, each sorted by id, in the order (id, language)."""
    return heapq.merge(*(read_rows(path) for path in paths), key=row_key)


def tagged_rows(data: Iterable[Path], rejected: Iterable[Path]) -> Iterator[Tagged]:
    """Rows of data and rejected files in the order (id, language), each with whether it is from data/."""
    streams = [((row, True) for row in read_rows(path)) for path in data]
    streams += [((row, False) for row in read_rows(path)) for path in rejected]
    return heapq.merge(*streams, key=lambda tagged: row_key(tagged[0]))


def canonical(row: Row) -> str:
    """The canonical JSON of one row."""
    return json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def content_sha256(rows: Iterable[Row]) -> str:
    """The content hash of rows sorted by (id, language)."""
    content = ContentHash()
    for row in rows:
        content.add(row)
    return content.hexdigest()


class ContentHash:
    """The content hash, updated row by row."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._separator = "["

    def add(self, row: Row) -> None:
        self._digest.update((self._separator + canonical(row)).encode())
        self._separator = ","

    def hexdigest(self) -> str:
        """The hash of the rows so far; nothing may be added afterwards."""
        self._digest.update(b"[]" if self._separator == "[" else b"]")
        return self._digest.hexdigest()
