"""The published rows as a workspace of any size, each repetition with other texts and ids."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.quality import check
from polyrefuse_data.sources import read_import
from polyrefuse_data.system.files import atomic_write, write_table
from polyrefuse_data.workspace import Workspace


def fill(workspace: Workspace, upstream: Path, count: int) -> None:
    """`count` checked rows, in order: the published ones, each time with another number, so that no cache of whole
    texts helps."""
    found = read_import(upstream / "PolyRefuse", english=upstream / "english")
    copies = [_copy(found.rows, number) for number in range(-(-count // found.rows.num_rows))]
    write_table(pa.concat_tables(copies).slice(0, count), workspace.rows)
    atomic_write(workspace.config, found.config)
    check(workspace)


def _copy(rows: pa.Table, number: int) -> pa.Table:
    for name, mark in (("id", f"-{number}"), ("text", f" {number}"), ("text_en", f" {number}")):
        marked = pc.if_else(pc.equal(rows[name], ""), "", pc.binary_join_element_wise(rows[name], mark, ""))
        rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), marked)
    return rows
