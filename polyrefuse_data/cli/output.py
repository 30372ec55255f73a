"""Results on stdout: for people, or as JSON for scripts."""

from __future__ import annotations

import json
from typing import Any

import typer

from polyrefuse_data.text.printable import one_line


def print_summary(summary: Any, as_json: bool) -> None:
    """Summaries know how to show themselves: `to_text()` for people, `to_json()` for scripts."""
    typer.echo(summary.to_json() if as_json else summary.to_text())


def print_table(records: list[dict[str, str]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(records, ensure_ascii=False, indent=1))
        return
    records = [{column: one_line(value) for column, value in record.items()} for record in records]
    columns = list(records[0])
    widths = [max(len(column), *(len(record[column]) for record in records)) for column in columns]
    for line in ({column: column for column in columns}, *records):
        typer.echo("  ".join(line[column].ljust(width) for column, width in zip(columns, widths, strict=True)).rstrip())
