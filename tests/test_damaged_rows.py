"""A rows.parquet that is damaged or somebody else's: every command that reads it says so, or takes it as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from polyrefuse_data.errors import PolyrefuseError
from polyrefuse_data.quality import audit, check, export_review, write_report
from polyrefuse_data.release import write_release
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace
from tests.quality.tables import make_table


def without(name: str) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.drop_columns([name])


def with_column(name: str, kind: pa.DataType, *values: Any) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(table.column_names.index(name), name, pa.array(values, kind))


STRINGS = pa.list_(pa.string())
CASES: dict[str, Callable[[pa.Table], pa.Table]] = {
    "another table": lambda table: pa.table({"a": [1, 2]}),
    "no text": without("text"),
    "no scores": without("chrf"),
    "no rows": lambda table: table.slice(0, 0),
    "numbers for text": with_column("text", pa.int64(), 1, 2),
    "bytes for text": with_column("text", pa.binary(), b"\xff", b"a"),
    "text for flags": with_column("flags", pa.string(), "a", "b"),
    "text for a score": with_column("chrf", pa.string(), "x", "y"),
    "text for a count": with_column("attempts", pa.string(), "x", "y"),
    "no text in a row": with_column("text", pa.string(), None, None),
    "no flags in a row": with_column("flags", STRINGS, None, None),
    "no language in a row": with_column("language", pa.string(), None, "de"),
    "no id in a row": with_column("id", pa.string(), None, "a"),
    "one id twice": with_column("id", pa.string(), "a", "a"),
    "an unknown label": with_column("label", pa.string(), "x", "y"),
    "an unknown class": with_column("label", pa.int64(), 7, -1),
    "an unknown split": with_column("split", pa.string(), "x", "y"),
    "an unknown status": with_column("status", pa.string(), "x", None),
}
COMMANDS: dict[str, Callable[[Workspace], object]] = {
    "report": write_report,
    "review export": export_review,
    "check": check,
    "release": lambda workspace: write_release(workspace, version="1.0.0", out=workspace.path / "rel"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("case", CASES)
def test_rows_that_are_none_end_in_an_error_of_ours_or_in_the_result(case: str, command: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_table(CASES[case](audit(make_table({}, {"text": "x"}))), workspace.rows)
    before = workspace.rows.read_bytes()
    try:
        COMMANDS[command](workspace)
    except PolyrefuseError:
        assert workspace.rows.read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("command", COMMANDS)
def test_bytes_that_are_no_parquet_are_an_error_of_ours(command: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_table(audit(make_table({}, {"text": "x"})), workspace.rows)
    whole = workspace.rows.read_bytes()
    for content in (b"", b"PAR1", whole[:-9], whole[len(whole) // 2 :], whole[:200] + whole[300:]):
        workspace.rows.write_bytes(content)
        with pytest.raises(PolyrefuseError, match=r"rows\.parquet"):
            COMMANDS[command](workspace)
