"""What a release contains besides its rows: their report, and their scores if requested.

The report is made from the rows of the release, never copied from the workspace, where it may be older.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.quality.inputs import inputs_of
from polyrefuse_data.quality.kept_scores import scores_of
from polyrefuse_data.quality.report import workspace_report, write_pages
from polyrefuse_data.release import layout
from polyrefuse_data.release.content import UNREADABLE
from polyrefuse_data.release.partition import ROW_GROUP_ROWS
from polyrefuse_data.rows import COLUMNS, REJECTED, SCHEMA, conform, sort_rows
from polyrefuse_data.system.input_files import reason, regular_file
from polyrefuse_data.system.row_groups import write_groups
from polyrefuse_data.system.shell import shell_word
from polyrefuse_data.workspace import Workspace


def write_annex(workspace: Workspace, folder: Path, *, title: str, with_scores: bool) -> None:
    """Write report/ and, with `with_scores`, scores.parquet into `folder`, which already holds the rows of a release.

    Raises ReleaseError if the scores in the workspace do not belong to these rows.
    """
    rows = released_rows(folder)
    scores = scores_of(workspace.scores, inputs_of(rows), sort=True)
    # What the rows were checked under is noted in the workspace; files of a release have no room for it.
    checked = rows.replace_schema_metadata(pq.read_schema(regular_file(workspace.rows)).metadata)
    write_pages(workspace_report(workspace, checked, scores), folder / layout.REPORT, title=title)
    if with_scores:
        if scores is None:
            raise ReleaseError(
                f"{workspace.scores} does not hold the scores of these rows: run "
                f"`polyrefuse check {shell_word(workspace.path)}`"
            )
        parts = (scores.slice(start, ROW_GROUP_ROWS) for start in range(0, scores.num_rows, ROW_GROUP_ROWS))
        write_groups(folder / layout.SCORES, scores.schema, parts)


def released_rows(folder: Path, *, as_rejected: bool = True) -> pa.Table:
    """Every row of a release, ordered by (id, language). Rows that only a subset leaves out are rejected with
    `as_rejected`, else they keep their status.

    Raises ReleaseError for files without rows.
    """
    try:
        return sort_rows(pa.concat_tables(_tables(folder, as_rejected)))
    except UNREADABLE as error:
        raise ReleaseError(
            f"{folder} cannot be read ({reason(error)}): `polyrefuse verify {shell_word(folder)}` shows why"
        ) from error


def _tables(folder: Path, as_rejected: bool) -> Iterator[pa.Table]:
    for top in (layout.DATA, layout.REJECTED):
        for path in sorted((folder / top).rglob("*.parquet")):
            table = conform(pq.read_table(regular_file(path), columns=list(COLUMNS)))
            if as_rejected and top == layout.REJECTED:
                place = table.column_names.index("status")
                table = table.set_column(place, SCHEMA.field("status"), pa.repeat(REJECTED, table.num_rows))
            yield table.replace_schema_metadata(None)
