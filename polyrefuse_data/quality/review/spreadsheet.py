"""The columns of the file that reviewers get and return. `workbook` and `page` write it in other forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from polyrefuse_data.sources import sheets

SHOWN = ("id", "language", "label", "split", "text_en", "text", "back_translation", "flags", "status")
FILLED_IN = ("verdict", "edit", "reviewer")
SEAL = "check"  # the seal (decisions.py) of what is shown
COLUMNS = (*SHOWN, *FILLED_IN, SEAL)


def to_csv(records: Sequence[Mapping[str, str]]) -> bytes:
    """Records of SHOWN and SEAL as CSV, with empty columns to fill in."""
    return sheets.to_csv(COLUMNS, records)


def read_sheet(file: Path) -> list[dict[str, str]]:
    """The records of a reviewed file. Raises ConfigError if it is not such a file."""
    return sheets.read_sheet(file, COLUMNS, "polyrefuse review export")
