"""Results on stdout: for people, or as JSON for scripts."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import typer

from polyrefuse_data.system.streams import lost_output
from polyrefuse_data.text.printable import printable_line

_logger = logging.getLogger(__name__)


def print_data(text: str) -> None:
    """Print what the command is called for. Where stdout does not take it the command ends with an error (main)."""
    typer.echo(text)


def print_done(text: str) -> None:
    """Say what the command has made. That is in files, and done: where stdout does not take this, it is a warning."""
    typer.echo(text)
    lost = lost_output()
    if lost is not None:
        _logger.warning("stdout cannot be written (%s); the work itself is done", lost.strerror)


def print_summary(summary: Any, as_json: bool, *, is_product: bool = False) -> None:
    """Summaries know how to show themselves: `to_text()` for people, `to_json()` for scripts.

    `is_product`: the command is called for this, and has made nothing else.
    """
    if as_json:
        print_data(summary.to_json())
    elif is_product:
        print_data(summary.to_text())
    else:
        print_done(summary.to_text())


def print_made(path: Path, as_json: bool, **facts: Any) -> None:
    """The file or folder that a command has made: its path for people, with `facts` about it for scripts."""
    if as_json:
        print_json({"path": str(path), **facts})
    else:
        print_done(str(path))


def print_json(value: Any) -> None:
    print_data(json.dumps(value, ensure_ascii=False, indent=1))


def print_table(records: list[dict[str, str]], as_json: bool) -> None:
    if as_json:
        print_json(records)
        return
    records = [{column: printable_line(value) for column, value in record.items()} for record in records]
    columns = list(records[0])
    widths = [max(len(column), *(len(record[column]) for record in records)) for column in columns]
    for line in ({column: column for column in columns}, *records):
        print_data("  ".join(line[column].ljust(width) for column, width in zip(columns, widths, strict=True)).rstrip())
