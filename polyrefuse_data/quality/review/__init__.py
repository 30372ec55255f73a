"""Human review in a spreadsheet or a browser: export rows, import verdicts and edits.

Every exported row carries a seal, a hash of what the reviewer saw. The import refuses rows whose text changed since
(stale) or that were changed in the spreadsheet (tampered), applies the other decisions, and reports how well the
reviewers agree with each check. Importing the same file again changes nothing and reports the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.config import load_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import SOURCE_LANGUAGE, language_codes
from polyrefuse_data.quality.batch import texts
from polyrefuse_data.quality.checking import write_checked
from polyrefuse_data.quality.review.agreement import ReviewSummary, agreement
from polyrefuse_data.quality.review.decisions import decide, refusal, seal
from polyrefuse_data.quality.review.drawing import VERDICT, draw, read_drawn, read_keys
from polyrefuse_data.quality.review.page import to_page
from polyrefuse_data.quality.review.spreadsheet import FILLED_IN, SEAL, SHOWN, read_sheet, to_csv
from polyrefuse_data.quality.review.workbook import to_workbook
from polyrefuse_data.quality.suite import suite_of
from polyrefuse_data.system.files import atomic_write, write_new
from polyrefuse_data.system.own_pages import write_page
from polyrefuse_data.workspace import Workspace


def export_review(
    workspace: Workspace,
    out: Path | None = None,
    *,
    flagged: bool = False,
    size: int = 50,
    seed: int = 0,
    by: str = VERDICT,
    languages: str | Iterable[str] | None = None,
) -> Path:
    """Write rows for review: CSV (UTF-8 with BOM, formulas made safe), or by the name of `out` an Excel workbook
    (.xlsx) or a page for a browser (.html). Returns the path of the file.

    Without `flagged`, a sample of `size` rows per language, the same for the same `seed`, with as many rows of each
    stratum as there are: `by` verdict (label, split and status), flag, p_good or source. With it, every flagged row.
    `languages` limits both. Default file: review/review.csv in the workspace. Raises ConfigError if the workspace has
    no rows, or none in these languages, or no such strata, or another file has that name.
    """
    keys = read_keys(workspace, VERDICT if flagged else by)
    there = set(pc.unique(keys["language"]).to_pylist())
    asked = there if languages is None else set(language_codes(languages))
    for code in sorted(asked - there):
        raise ConfigError(f"{workspace.rows} has no row in {code!r}, only in {', '.join(sorted(there))}")
    wanted = pc.is_in(keys["language"], value_set=pa.array(sorted(asked - {SOURCE_LANGUAGE}), pa.string()))
    if flagged:
        chosen = np.flatnonzero(pc.and_(wanted, pc.greater(pc.list_value_length(keys["flags"]), 0)))
    else:
        chosen = np.flatnonzero(wanted)[draw(keys.filter(wanted), size=size, seed=seed, by=by)]
    target = out or workspace.review / "review.csv"
    records = [record | {SEAL: seal(record)} for record in _records(read_drawn(workspace, chosen))]
    kind = target.suffix.lower()
    if kind in (".html", ".htm"):
        write_page(target, to_page(records, title=workspace.path.resolve().name))
        return target
    sheet = to_workbook(records) if kind == ".xlsx" else to_csv(records)
    if _holds_nobodys_work(target):
        atomic_write(target, sheet)
    else:
        write_new(target, sheet, "import it with `polyrefuse review import`, or choose another --out")
    return target


def _holds_nobodys_work(file: Path) -> bool:
    """Whether this is a sheet that we exported, with nothing filled in."""
    try:
        records = read_sheet(file)
    except ConfigError:
        return False
    return all(seal(record) == record[SEAL] and not any(record[name] for name in FILLED_IN) for record in records)


def import_review(workspace: Workspace, file: Path, *, dry_run: bool = False) -> ReviewSummary:
    """Apply a reviewed sheet (CSV or Excel) to rows.parquet and report agreement. All decisions are applied or none;
    with `dry_run`, none.

    Edited rows are scored, and all rows are judged again under the `[quality]` config of the workspace. An edit becomes
    the row's text (origin human, status edited). Verdict `good` keeps a rejected row (status edited if checks reject
    it), `bad` rejects the row (flag `rejected_by_review`). Refused are rows that are stale or tampered with, English
    rows, and verdicts that cannot be followed, such as `good` without a text. Raises ConfigError if the file is not a
    review of this workspace.
    """
    reviewed = read_sheet(file)
    suite = suite_of(load_config(workspace.config if workspace.config.exists() else None).quality)
    summary = ReviewSummary(workspace.path)
    with workspace.lock():
        table = workspace.read_rows()
        keys = [(record["id"], record["language"]) for record in reviewed]
        place = _places(table, set(keys))
        current = dict(zip(place.values(), _records(table.take(pa.array(place.values(), pa.int64()))), strict=True))
        changes: dict[int, dict[str, Any]] = {}
        judged: dict[int, tuple[list[str], bool]] = {}
        for key, record in zip(keys, reviewed, strict=True):
            row = place.get(key, -1)
            if reason := "twice in this file" if row in judged else refusal(record, current.get(row)):
                summary.refused.append({"id": record["id"], "language": record["language"], "reason": reason})
                continue
            decision = decide(record, current[row])
            summary.count(decision)
            if decision.outcome is not None:
                judged[row] = record["flags"].split(), decision.found_bad()
            if decision.change:
                said_before = suite.columns if "text" in decision.change else []  # imported scores, of the old text
                changes[row] = {**decision.change, **dict.fromkeys(said_before)}
        summary.agreement = agreement(list(judged.values()), suite.bounds)
        if changes and not dry_run:
            write_checked(workspace, _changed(table, changes), suite, progress=False)
    return summary


def _places(table: pa.Table, keys: AbstractSet[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Where the rows with these ids and languages are; those that are not there are left out."""
    same_id = np.flatnonzero(
        pc.is_in(table["id"], value_set=pa.array({identifier for identifier, _ in keys}, pa.string()))
    )
    few = table.select(["id", "language"]).take(pa.array(same_id))
    found = zip(zip(texts(few, "id"), texts(few, "language"), strict=True), map(int, same_id), strict=True)
    return {key: row for key, row in found if key in keys}


def _records(part: pa.Table) -> list[dict[str, str]]:
    """The exported columns of rows as text, one dict per row; flags are joined by spaces."""
    columns = {name: texts(part, name) for name in SHOWN if name != "flags"}
    columns["flags"] = [" ".join(flags or []) for flags in part["flags"].to_pylist()]
    return [dict(zip(SHOWN, row, strict=True)) for row in zip(*(columns[name] for name in SHOWN), strict=True)]


def _changed(table: pa.Table, changes: Mapping[int, Mapping[str, Any]]) -> pa.Table:
    """The table with these columns set in these rows; columns that it does not have are ignored."""
    for name in sorted({name for change in changes.values() for name in change} & set(table.column_names)):
        rows = [row for row, change in changes.items() if name in change]
        field = table.schema.field(name)
        new = pa.array([changes[row][name] for row in rows], field.type)
        source = np.arange(table.num_rows)
        source[rows] = table.num_rows + np.arange(len(rows))
        column = pa.chunked_array([*table[name].chunks, new]).take(pa.array(source))
        table = table.set_column(table.column_names.index(name), field, column)
    return table
