"""Which rows a build may overwrite: those that another build could make again, not people's work."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from polyrefuse_data import rows
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.input_files import regular_file
from polyrefuse_data.text.counts import counted
from polyrefuse_data.workspace import Workspace

_MEND = "build in another folder, with copies of polyrefuse.toml and journal.sqlite to keep the answers"


def refuse_to_replace_work(workspace: Workspace) -> None:
    """Raise ConfigError if rows.parquet holds imported rows or reviewers' decisions."""
    if not workspace.rows.exists():
        return
    if workspace.imports.exists():
        raise ConfigError(f"{workspace.rows} holds imported rows, which a build would overwrite: {_MEND}")
    reviewed = _reviewed_rows(workspace)
    if reviewed:
        raise ConfigError(
            f"{workspace.rows} holds {counted(reviewed, 'row')} that reviewers decided on, which a build would "
            f"overwrite: {_MEND}, and the reviewed sheet can be imported there again"
        )


def _reviewed_rows(workspace: Workspace) -> int:
    try:
        table = pq.read_table(regular_file(workspace.rows), columns=["status", "flags"])
    except (pa.ArrowException, OSError, ValueError):
        return 0  # damaged, or not rows: nothing that anyone could have reviewed
    return sum(
        status == rows.EDITED or rows.REJECTED_BY_REVIEW in (flags or ())
        for status, flags in zip(table["status"].to_pylist(), table["flags"].to_pylist(), strict=True)
    )
