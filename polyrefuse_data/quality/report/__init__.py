"""The quality report: report/summary.json for scripts and report/index.html, one self-contained page, for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from polyrefuse_data.config import load_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.checked_rows import read_checked
from polyrefuse_data.quality.report.page import render
from polyrefuse_data.quality.report.summary import Report, build_report
from polyrefuse_data.quality.report.tries import COLUMNS
from polyrefuse_data.system.files import atomic_write, read_table
from polyrefuse_data.system.input_files import read_input_text, reason
from polyrefuse_data.workspace import Workspace


def write_report(workspace: Workspace) -> Path:
    """Write report/index.html and report/summary.json for a workspace. Returns the path of the page.

    Rows keep their flags and status, and the report names the signature under which they were checked. Rows that were
    never checked, or changed since, are shown as not checked. The same rows give the same bytes. Raises ConfigError if
    the workspace has no rows, or its files are not ours.
    """
    settings = load_config(workspace.config if workspace.config.exists() else None)
    found = read_checked(workspace, settings.quality)
    report = workspace_report(workspace, found.rows, found.scores, unchecked=found.unchecked, notice=found.notice)
    return write_pages(report, workspace.report, title=settings.release.name)


def workspace_report(workspace: Workspace, rows: pa.Table, scores: pa.Table | None, **said: str) -> Report:
    """The report on some rows of a workspace, with their attempts and the findings of an import."""
    attempts, files = _attempts(workspace), _imported_files(workspace)
    return build_report(rows, scores=scores, attempts=attempts, files=files, **said)


def write_pages(report: Report, folder: Path, *, title: str) -> Path:
    """Write summary.json and index.html. Returns the path of the latter."""
    page = folder / "index.html"
    summary: dict[str, Any] = report.summary
    atomic_write(folder / "summary.json", json.dumps(summary, ensure_ascii=False, allow_nan=False, indent=1) + "\n")
    atomic_write(page, render(report, title=title))
    return page


def _imported_files(workspace: Workspace) -> list[dict[str, Any]]:
    """What an import found out about its files; empty if there was none. Raises ConfigError for a broken file."""
    if not workspace.imports.exists():
        return []
    try:
        files: list[dict[str, Any]] = json.loads(read_input_text(workspace.imports))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{workspace.imports} cannot be read ({reason(error)}): import the rows again") from error
    return files


def _attempts(workspace: Workspace) -> pa.Table | None:
    """The attempts of the last build; None if there was none. Raises ConfigError for a file with other columns."""
    if not workspace.attempts.exists():
        return None
    table = read_table(workspace.attempts, "run `polyrefuse build`")
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise ConfigError(f"{workspace.attempts} has no column {', '.join(missing)}: run `polyrefuse build` again")
    return table
