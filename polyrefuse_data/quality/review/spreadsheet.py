"""The file that reviewers get and return: CSV that every spreadsheet opens and that runs no formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.input_files import read_input_text, reason

SHOWN = ("id", "language", "label", "split", "text_en", "text", "back_translation", "flags", "status")
FILLED_IN = ("verdict", "edit", "reviewer")
SEAL = "check"  # the seal (decisions.py) of what is shown
COLUMNS = (*SHOWN, *FILLED_IN, SEAL)

# Cells that a spreadsheet would read as a formula. A leading apostrophe makes them text; reading takes it off again.
# East Asian ones also take the wide forms.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_DELIMITERS = (",", ";", "\t")
_LONGEST_CELL = 10_000_000  # characters; csv's own 131,072 would refuse a long prompt


def to_csv(records: Sequence[Mapping[str, str]]) -> bytes:
    """Records of SHOWN and SEAL as CSV (UTF-8 with BOM), with empty columns to fill in."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: _safe(record.get(name, "")) for name in COLUMNS})
    return text.getvalue().encode("utf-8-sig", "replace")


def read_csv(file: Path) -> list[dict[str, str]]:
    """The records of a reviewed file, with the protection of cells removed. Raises ConfigError if it is not such a
    file."""
    try:
        text = read_input_text(file)
    except FileNotFoundError:
        raise ConfigError(f"{file} is not there: create one with `polyrefuse review export`") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({reason(error)})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not readable as UTF-8 ({error}); save it as CSV UTF-8") from error
    heading = text[: text.find("\n") + 1]
    delimiter = max(_DELIMITERS, key=heading.count)  # spreadsheets write the one of their country
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ConfigError(
                f"{file}: no column {', '.join(missing)}; it was not written by `polyrefuse review export`"
            )
        return [{name: _unsafe(row[name] or "") for name in COLUMNS} for row in reader]
    except csv.Error as error:
        raise ConfigError(f"{file}:{reader.reader.line_num}: broken CSV ({error}); save it as CSV UTF-8") from error


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell


def _unsafe(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*_FORMULA, "'")) else cell
