"""Print results to stdout, as text or as JSON."""

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
    """Print a command's main output. If stdout cannot be written, the command fails (see main)."""
    typer.echo(text)


def print_done(text: str) -> None:
    """Report work that is already in files. If stdout cannot be written, that is only a warning."""
    typer.echo(text)
    lost = lost_output()
    if lost is not None:
        _logger.warning("cannot write to stdout (%s); the work itself is done", lost.strerror)


def print_summary(summary: Any, as_json: bool, *, is_product: bool = False) -> None:
    """Print a summary: its `to_text()`, or its `to_json()` with `as_json`.

    `is_product`: the summary is the command's main output, because it made nothing else.
    """
    if as_json:
        print_data(summary.to_json())
    elif is_product:
        print_data(summary.to_text())
    else:
        print_done(summary.to_text())


def print_made(path: Path, as_json: bool, **facts: Any) -> None:
    """Print the path that a command has written; as JSON, with `facts` about it."""
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
