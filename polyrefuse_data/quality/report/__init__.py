"""The quality report: report/summary.json for scripts and report/index.html, one self-contained page, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from polyrefuse_data.config import QualityConfig, load_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.report.page import render
from polyrefuse_data.quality.report.summary import build_report
from polyrefuse_data.quality.report.tries import COLUMNS
from polyrefuse_data.system.files import atomic_write, read_table
from polyrefuse_data.system.input_files import read_input_text, reason
from polyrefuse_data.workspace import Workspace


def write_report(workspace: Workspace, config: QualityConfig | Mapping[str, Any] | None = None) -> Path:
    """Write report/index.html and report/summary.json of a workspace; returns the page.

    Rows keep the flags and status they have; rows that no check has seen are audited first, in memory. `config`
    defaults to the `[quality]` section of the workspace's polyrefuse.toml. The same rows give the same bytes.
    Raises ConfigError where the workspace has no rows, or files that are not ours.
    """
    settings = load_config(workspace.config if workspace.config.exists() else None)
    rows = workspace.read_rows()
    attempts = _attempts(workspace)
    files = _imported_files(workspace)
    report = build_report(rows, settings.quality if config is None else config, attempts=attempts, files=files)
    page = workspace.report / "index.html"
    atomic_write(
        workspace.report / "summary.json",
        json.dumps(report.summary, ensure_ascii=False, allow_nan=False, indent=1) + "\n",
    )
    atomic_write(page, render(report, title=settings.release.name))
    return page


def _imported_files(workspace: Workspace) -> list[dict[str, Any]]:
    """What an import found out about its files; empty where there was none. Raises ConfigError for another file."""
    if not workspace.imports.exists():
        return []
    try:
        files: list[dict[str, Any]] = json.loads(read_input_text(workspace.imports))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{workspace.imports} cannot be read ({reason(error)}): import the rows again") from error
    return files


def _attempts(workspace: Workspace) -> pa.Table | None:
    """The tries of the last build; None where there was none. Raises ConfigError for a file of another shape."""
    if not workspace.attempts.exists():
        return None
    table = read_table(workspace.attempts, "run `polyrefuse build`")
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise ConfigError(f"{workspace.attempts} has no column {', '.join(missing)}: run `polyrefuse build` again")
    return table
