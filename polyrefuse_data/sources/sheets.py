"""Tables that people fill in and return: CSV that every spreadsheet opens and that runs no formula, or Excel."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.sources.excel import excel_rows
from polyrefuse_data.sources.reading import read_bytes
from polyrefuse_data.sources.tables import csv_lines, decode
from polyrefuse_data.text.delimited import delimiter_of

# Cells that a spreadsheet would read as a formula. A leading apostrophe makes them text; reading takes it off again.
# East Asian ones also take the wide forms.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def to_csv(columns: Sequence[str], records: Sequence[Mapping[str, str]]) -> bytes:
    """Records as CSV (UTF-8 with BOM); columns that a record does not have are left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: _safe(record.get(name, "")) for name in columns})
    return text.getvalue().encode("utf-8-sig", "replace")


def read_sheet(
    file: Path, columns: Sequence[str], made_by: str, *, required: int | None = None
) -> list[dict[str, str]]:
    """The records of a returned table, with the protection of cells removed: CSV in whatever form a spreadsheet saves
    it, or Excel.

    The first `required` columns must be there (default: all); of the others, a record holds those that the file has.
    Raises ConfigError if the command `made_by` does not write such files.
    """
    try:
        content = read_bytes(file)
        lines = _excel_lines(file, content) if file.suffix.lower() == ".xlsx" else _csv_lines(file, content)
        heading, *rows = [line for line in lines if any(line)] or [[]]
    except SourceError as error:
        raise ConfigError(str(error)) from error
    missing = [name for name in columns[:required] if name not in heading]
    if missing:
        raise ConfigError(f"{file}: no column {', '.join(missing)}; it was not written by `{made_by}`")
    places = {name: heading.index(name) for name in columns if name in heading}
    return [{name: row[place] if place < len(row) else "" for name, place in places.items()} for row in rows]


def _csv_lines(file: Path, content: bytes) -> Iterator[list[str]]:
    text = decode(str(file), content, None)
    delimiter, text = delimiter_of(text)
    for _, cells in csv_lines(str(file), text, delimiter, strict=False, mend="save it as CSV UTF-8"):
        yield [_unsafe(cell) for cell in cells]


def _excel_lines(file: Path, content: bytes) -> Iterator[list[str]]:
    for _, cells in excel_rows(str(file), content):
        yield ["" if cell is None else str(cell) for cell in cells]


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith((*FORMULA, "'")) else cell


def _unsafe(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*FORMULA, "'")) else cell
