"""Tables that people fill in: CSV that every spreadsheet opens and that runs no formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.input_files import read_input_text, reason

# Cells that a spreadsheet would read as a formula. A leading apostrophe makes them text; reading takes it off again.
# East Asian ones also take the wide forms.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_DELIMITERS = (",", ";", "\t")
_LONGEST_CELL = 10_000_000  # characters; csv's own 131,072 would refuse a long prompt


def to_csv(columns: Sequence[str], records: Sequence[Mapping[str, str]]) -> bytes:
    """Records as CSV (UTF-8 with BOM); columns that a record does not have are left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: _safe(record.get(name, "")) for name in columns})
    return text.getvalue().encode("utf-8-sig", "replace")


def read_csv(file: Path, columns: Sequence[str], made_by: str, *, required: int | None = None) -> list[dict[str, str]]:
    """The records of a returned table, with the protection of cells removed.

    The first `required` columns must be there (default: all); of the others, a record holds those that the file has.
    Raises ConfigError if the command `made_by` does not write such files.
    """
    try:
        text = read_input_text(file)
    except FileNotFoundError:
        raise ConfigError(f"{file} is not there: create one with `{made_by}`") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({reason(error)})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not readable as UTF-8 ({error}); save it as CSV UTF-8") from error
    heading = text[: text.find("\n") + 1]
    delimiter = max(_DELIMITERS, key=heading.count)  # spreadsheets write the one of their country
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        held = reader.fieldnames or ()
        missing = [name for name in columns[:required] if name not in held]
        if missing:
            raise ConfigError(f"{file}: no column {', '.join(missing)}; it was not written by `{made_by}`")
        return [{name: _unsafe(row[name] or "") for name in columns if name in held} for row in reader]
    except csv.Error as error:
        raise ConfigError(f"{file}:{reader.reader.line_num}: broken CSV ({error}); save it as CSV UTF-8") from error


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell


def _unsafe(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*_FORMULA, "'")) else cell
