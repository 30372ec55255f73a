"""Round trip through a spreadsheet for human reviewers: export rows, take back verdicts and edits.

Every exported row carries a hash of what the reviewer saw. Import refuses a row whose text changed since (stale) or
whose own columns were changed in the spreadsheet (tampered), applies the edits of the others, and says how far the
reviewers agree with each check.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from polyrefuse_data import rows as schema
from polyrefuse_data.config import load_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.quality.auditing import audit
from polyrefuse_data.quality.batch import texts
from polyrefuse_data.workspace import Workspace, atomic_write, write_table

Key = tuple[str, str]

GOOD, BAD = "good", "bad"
ANY = "any"  # in the agreement: rejected by whichever check
VERDICTS = (GOOD, BAD)
_SHOWN = ("id", "language", "label", "split", "text_en", "text", "back_translation", "flags", "status")
_FILLED_IN = ("verdict", "edit", "reviewer")
_COLUMNS = (*_SHOWN, *_FILLED_IN, "check")  # `check` is the hash of what is shown

# Cells that a spreadsheet would read as a formula. A leading apostrophe makes them text; import takes it off again.
# East Asian ones also take the wide forms.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_DELIMITERS = (",", ";", "\t")
_LONGEST_CELL = 10_000_000  # characters; csv's own 131,072 would refuse a long prompt
_SEED = 0


@dataclass
class Agreement:
    """How a check's flag compares with the reviewers: rows they called bad or good, flagged by it or not."""

    flagged_bad: int = 0
    flagged_good: int = 0
    missed_bad: int = 0
    passed_good: int = 0

    def add(self, flagged: bool, is_bad: bool) -> None:
        """Count one reviewed row."""
        name = ("flagged_" if flagged else "missed_" if is_bad else "passed_") + ("bad" if is_bad else "good")
        setattr(self, name, getattr(self, name) + 1)

    @property
    def precision(self) -> float | None:
        """Of the rows that the check flagged, the share that reviewers call bad."""
        flagged = self.flagged_bad + self.flagged_good
        return self.flagged_bad / flagged if flagged else None

    @property
    def recall(self) -> float | None:
        """Of the rows that reviewers call bad, the share that the check flagged."""
        bad = self.flagged_bad + self.missed_bad
        return self.flagged_bad / bad if bad else None


@dataclass
class ReviewSummary:
    """What an import did: counts, refused rows with the reason, agreement by check (ANY: by whichever check)."""

    workspace: Path
    reviewed: int = 0
    edited: int = 0
    rejected: int = 0
    accepted: int = 0
    unmarked: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)
    agreement: dict[str, Agreement] = field(default_factory=dict)

    def count(self, record: Mapping[str, str], change: Mapping[str, Any]) -> None:
        """Count what was decided of one row."""
        marked = bool(record["verdict"].strip() or record["edit"].strip())
        self.unmarked += not marked
        self.reviewed += marked
        self.edited += "text" in change
        self.rejected += change.get("status") == schema.REJECTED
        self.accepted += marked and "text" not in change and change.get("status") != schema.REJECTED

    def to_text(self) -> str:
        """For people: one line of counts, one a refused row, one a check."""
        lines = [
            f"{self.reviewed} rows reviewed: {self.edited} edited, {self.accepted} accepted, {self.rejected} rejected; "
            f"{self.unmarked} without a verdict, {len(self.refused)} refused"
        ]
        lines += [f"  refused {row['id']} {row['language']}: {row['reason']}" for row in self.refused]
        for name, found in sorted(self.agreement.items()):
            lines.append(f"  {name}: precision {_percent(found.precision)}, recall {_percent(found.recall)}")
        return "\n".join(lines)

    def to_json(self) -> str:
        """For scripts: the same, with precision and recall as numbers or null."""
        agreement = {
            name: asdict(found) | {"precision": found.precision, "recall": found.recall}
            for name, found in sorted(self.agreement.items())
        }
        return json.dumps(
            asdict(self) | {"workspace": str(self.workspace), "agreement": agreement}, ensure_ascii=False, indent=1
        )


def export_review(
    workspace: Workspace,
    out: Path | None = None,
    *,
    flagged: bool = False,
    size: int = 50,
    languages: Sequence[str] | None = None,
) -> Path:
    """Write rows for review as CSV (UTF-8 with BOM, formulas made safe); returns the file.

    A stratified sample of `size` rows a language (over label, split and verdict, always the same), or with `flagged`
    every row that carries a flag. `languages` limits both. Default file: review/review.csv of the workspace.
    Raises ConfigError where the workspace has no rows or no row of these languages.
    """
    rows = workspace.read_rows()
    known = set(texts(rows, "language"))
    for code in languages or ():
        if code not in known:
            raise ConfigError(f"{workspace.rows} has no row in {code!r}; it has {', '.join(sorted(known))}")
    records = [row for row in _records(rows) if row["language"] != SOURCE_LANGUAGE]
    if languages:
        records = [row for row in records if row["language"] in set(languages)]
    chosen = [row for row in records if row["flags"]] if flagged else _sample(records, size)
    target = out or workspace.review / "review.csv"
    atomic_write(target, _to_csv(chosen))
    return target


def import_review(workspace: Workspace, file: Path) -> ReviewSummary:
    """Apply a reviewed CSV to rows.parquet, and report agreement; the rows change whole or not at all.

    An edit makes the row's text (origin human, status edited); verdict `good` makes a rejected row `edited` as it is,
    `bad` rejects the row (flag `rejected_by_review`). Rows that are stale or tampered with are refused and left alone.
    Raises ConfigError for a file that is not a review of this workspace.
    """
    reviewed = _read_csv(file)
    with workspace.lock():
        table = workspace.read_rows()
        current = {(row["id"], row["language"]): row for row in _records(table)}
        summary = ReviewSummary(workspace.path)
        changes: dict[Key, dict[str, Any]] = {}
        judged: dict[Key, bool] = {}
        for record in reviewed:
            key = record["id"], record["language"]
            row = current.get(key)
            reason = "twice in this file" if key in judged else _refusal(record, row)
            if row is None or reason:
                summary.refused.append({"id": record["id"], "language": record["language"], "reason": reason})
                continue
            change, is_bad = _decision(record, row)
            summary.count(record, change)
            if is_bad is not None:
                judged[key] = is_bad
            if change:
                changes[key] = change
        summary.agreement = _agreement([(current[key], is_bad) for key, is_bad in judged.items()])
        if changes:
            write_table(_changed(table, changes, workspace), workspace.rows)
    return summary


def _records(table: pa.Table) -> list[dict[str, str]]:
    """The shown columns as text, one dict a row; flags joined by spaces."""
    columns = {name: texts(table, name) for name in _SHOWN if name != "flags"}
    columns["flags"] = [" ".join(flags or []) for flags in table["flags"].to_pylist()]
    return [dict(zip(_SHOWN, row, strict=True)) for row in zip(*(columns[name] for name in _SHOWN), strict=True)]


def _sample(records: Sequence[dict[str, str]], size: int) -> list[dict[str, str]]:
    """`size` rows a language, drawn in turn from each (label, split, status), so that rare kinds are seen."""
    strata: dict[str, dict[tuple[str, ...], list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in records:
        strata[row["language"]][row["label"], row["split"], row["status"]].append(row)
    chosen: list[dict[str, str]] = []
    for code in sorted(strata):
        groups = [strata[code][key] for key in sorted(strata[code])]
        for number, group in enumerate(groups):
            random.Random(f"{_SEED} {code} {number}").shuffle(group)
        turns = [row for turn in range(max(map(len, groups))) for row in (g[turn] for g in groups if turn < len(g))]
        chosen += sorted(turns[:size], key=lambda row: row["id"])
    return chosen


def _to_csv(records: Sequence[Mapping[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in records:
        cells = {name: _safe(row[name]) for name in _SHOWN}
        writer.writerow(cells | dict.fromkeys(_FILLED_IN, "") | {"check": _hash(row)})
    return text.getvalue().encode("utf-8-sig", "replace")


def _read_csv(file: Path) -> list[dict[str, str]]:
    """The rows of a reviewed file, as they were before cells were made safe."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{file} is not there: make one with `polyrefuse review export`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not readable as UTF-8 ({error}); save it as CSV UTF-8") from error
    heading = text[: text.find("\n") + 1]
    delimiter = max(_DELIMITERS, key=heading.count)  # spreadsheets write the one of their country
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ConfigError(f"{file}: no column {', '.join(missing)}; it is not a file of `polyrefuse review export`")
        return [{name: _unsafe(row[name] or "") for name in _COLUMNS} for row in reader]
    except csv.Error as error:
        raise ConfigError(f"{file}:{reader.reader.line_num}: broken CSV ({error}); save it as CSV UTF-8") from error


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell


def _unsafe(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*_FORMULA, "'")) else cell


def _hash(row: Mapping[str, str]) -> str:
    """Of what the row is and says; spreadsheets may change line ends, so those do not count."""
    content = json.dumps([" ".join(row[name].split()) for name in ("id", "language", "text_en", "text")])
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]


def _refusal(record: Mapping[str, str], row: Mapping[str, str] | None) -> str:
    """Why a reviewed row cannot be used; empty where it can."""
    if row is None:
        return "no such row in this workspace"
    if _hash(record) != record["check"]:
        return "tampered: its text or English was changed in the spreadsheet; edits belong in the column `edit`"
    if _hash(row) != record["check"]:
        return "stale: the row has another text now; export it again"
    if record["verdict"].strip().lower() not in ("", *VERDICTS):
        return f"verdict {record['verdict']!r} is neither good nor bad"
    return ""


def _decision(record: Mapping[str, str], row: Mapping[str, str]) -> tuple[dict[str, Any], bool | None]:
    """What a reviewed row changes, and whether its reviewer found it bad (None: not marked). An edit says it was."""
    edit, verdict = record["edit"].strip(), record["verdict"].strip().lower()
    if edit and edit != row["text"]:
        by = record["reviewer"].strip()
        new = {"text": edit, "origin": "human", "translator": by, "status": schema.EDITED, "back_translation": None}
        return new, True
    if verdict == BAD:
        return {"status": schema.REJECTED, "flags": sorted({*row["flags"].split(), schema.REJECTED_BY_REVIEW})}, True
    if verdict == GOOD:
        return ({"status": schema.EDITED} if row["status"] == schema.REJECTED else {}), False
    return {}, None


def _agreement(judged: Sequence[tuple[Mapping[str, str], bool]]) -> dict[str, Agreement]:
    """How every flag that a reviewed row carries, and rejection by any check, agrees with the reviewers."""
    fired_by_row = []
    for row, is_bad in judged:
        fired = {*row["flags"].split()} - {schema.REJECTED_BY_REVIEW}
        fired_by_row.append((fired | ({ANY} if fired and row["status"] == schema.REJECTED else set()), is_bad))
    found = {name: Agreement() for name in sorted({ANY}.union(*(fired for fired, _ in fired_by_row)))}
    for fired, is_bad in fired_by_row:
        for name, counts in found.items():
            counts.add(name in fired, is_bad)
    return found


def _changed(table: pa.Table, changes: Mapping[Key, dict[str, Any]], workspace: Workspace) -> pa.Table:
    """The table with the changes made, and every check run again on it."""
    keys = list(zip(texts(table, "id"), texts(table, "language"), strict=True))
    for name in sorted({name for change in changes.values() for name in change}):
        place = table.column_names.index(name)
        values = table[name].to_pylist()
        values = [changes.get(key, {}).get(name, value) for key, value in zip(keys, values, strict=True)]
        table = table.set_column(place, table.schema.field(name), pa.array(values, table.schema.field(name).type))
    settings = load_config(workspace.config if workspace.config.exists() else None)
    return audit(table, settings.quality)


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"
