"""The columns of the file that reviewers get and return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from polyrefuse_data.system import spreadsheets

SHOWN = ("id", "language", "label", "split", "text_en", "text", "back_translation", "flags", "status")
FILLED_IN = ("verdict", "edit", "reviewer")
SEAL = "check"  # the seal (decisions.py) of what is shown
COLUMNS = (*SHOWN, *FILLED_IN, SEAL)


def to_csv(records: Sequence[Mapping[str, str]]) -> bytes:
    """Records of SHOWN and SEAL as CSV, with empty columns to fill in."""
    return spreadsheets.to_csv(COLUMNS, records)


def read_csv(file: Path) -> list[dict[str, str]]:
    """The records of a reviewed file. Raises ConfigError if it is not such a file."""
    return spreadsheets.read_csv(file, COLUMNS, "polyrefuse review export")
