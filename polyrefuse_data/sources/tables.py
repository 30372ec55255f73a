"""Rows of tables (CSV, TSV, Excel, Parquet) as records under the names of their columns.

Every cell stays what it is: CSV has only text, so that no id loses a zero and no prompt becomes a number.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import SourceError
from polyrefuse_data.sources.excel import excel_rows
from polyrefuse_data.sources.json_records import Found
from polyrefuse_data.system.files import parquet_errors
from polyrefuse_data.system.input_files import WHOLE_FILE_BYTES, reason, regular_file
from polyrefuse_data.text.delimited import decoded, delimiter_of

_Line = tuple[str, Sequence[Any]]

_CSV_FIELD_LIMIT = 10_000_000  # csv's own 131,072 characters would refuse a long prompt
_PARQUET_ROWS = 1024  # that are unpacked at once

_logger = logging.getLogger(__name__)


def delimited_records(where: str, content: bytes, encoding: str | None, delimiter: str | None) -> Iterator[Found]:
    """The records of a CSV or TSV file; without a delimiter, that of its heading."""
    text = decode(where, content, encoding)
    found, text = delimiter_of(text)
    return _records(csv_lines(where, text, delimiter or found))


def headless_records(where: str, content: bytes, names: Sequence[str]) -> Iterator[Found]:
    """The records of a CSV file without a heading, under `names`."""
    return _records([(where, names), *csv_lines(where, decode(where, content, None), ",")])


def excel_records(where: str, content: bytes) -> Iterator[Found]:
    """The records of an Excel workbook."""
    return _records(((f"{where} row {number}", cells) for number, cells in excel_rows(where, content)))


def parquet_records(path: Path) -> Iterator[Found]:
    """The records of a Parquet file. A file of a kilobyte can say a text a billion times: it is read in parts, and
    counted."""
    import pyarrow.parquet as pq

    before = size = 0  # rows and bytes
    try:
        with pq.ParquetFile(regular_file(path)) as file:
            _refuse_repeated(str(path), file.schema_arrow.names)
            for batch in file.iter_batches(_PARQUET_ROWS):
                size += batch.nbytes
                if size > WHOLE_FILE_BYTES:
                    raise SourceError(
                        f"{path}: larger than {WHOLE_FILE_BYTES >> 30} GiB when unpacked: give it in parts"
                    )
                for number, fields in enumerate(batch.to_pylist(), start=before + 1):
                    yield f"{path} row {number}", fields
                before += batch.num_rows
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist: check the path") from None
    except parquet_errors() as error:
        rows = f" from row {before + 1} on" if before else ""
        raise SourceError(f"{path}: cannot be read as Parquet{rows} ({reason(error)})") from error


def decode(where: str, content: bytes, encoding: str | None) -> str:
    """The text of a CSV or TSV file; a guessed encoding is shown. Raises SourceError if none fits."""
    try:
        found = decoded(content, encoding)
    except LookupError:
        raise SourceError(f"{where}: unknown encoding {encoding!r}: use utf-8, utf-16, cp1252 or the like") from None
    except UnicodeDecodeError as error:
        what = encoding or "UTF-8"
        raise SourceError(
            f"{where}: not {what} (byte {error.start + 1}): save the file as UTF-8, or say its encoding"
        ) from None
    if found.example:
        guess = "%s: not UTF-8; read as %s, e.g. %r: if that is wrong, say its encoding"
        _logger.warning(guess, where, found.encoding, found.example)
    return found.text


def csv_lines(
    where: str, text: str, delimiter: str, *, strict: bool = True, mend: str = "fix the quotes"
) -> Iterator[_Line]:
    """The lines of CSV with their places. Raises SourceError, telling how to `mend` it, where it is broken."""
    csv.field_size_limit(_CSV_FIELD_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    try:
        for cells in reader:
            yield f"{where}:{reader.line_num}", cells
    except csv.Error as error:
        raise SourceError(f"{where}:{reader.line_num}: broken CSV ({error}): {mend}") from None


def _records(lines: Iterable[_Line]) -> Iterator[Found]:
    """The lines under the names of the first one. Lines without any value are skipped at the end, and only there."""
    names: list[str] = []
    empty: list[_Line] = []
    for place, cells in lines:
        if not names:
            names = ["" if _is_blank(cell) else str(cell).strip() for cell in cells]
            _refuse_repeated(place, names)
        elif all(map(_is_blank, cells)):
            if cells:  # a line without even a delimiter is none
                empty.append((place, cells))
        else:
            yield from (_record(names, *line) for line in (*empty, (place, cells)))
            empty.clear()


def _record(names: Sequence[str], place: str, cells: Sequence[Any]) -> Found:
    if any(not _is_blank(cell) for cell in cells[len(names) :]):
        raise SourceError(
            f"{place}: more fields than the header, which has {len(names)}: put text with the delimiter in quotes, or "
            "remove what is above the header"
        )
    padded = [*cells, *[None] * (len(names) - len(cells))]
    for number, (name, cell) in enumerate(zip(names, padded, strict=False), start=1):
        if not name and not _is_blank(cell):
            raise SourceError(
                f"{place}: a value in column {number}, which has no name: name the column, empty it, or remove what is "
                "above the header"
            )
    return place, {name: cell for name, cell in zip(names, padded, strict=False) if name}


def _refuse_repeated(where: str, names: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if name and name in first:
            raise SourceError(f"{where}: columns {first[name]} and {number} are both called {name!r}: rename one")
        first[name] = number


def _is_blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
