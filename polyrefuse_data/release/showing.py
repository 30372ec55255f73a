"""`polyrefuse show`: rows of a workspace or release, with everything that is known about each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ValidationError

from polyrefuse_data.config import load_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.checked_rows import read_checked
from polyrefuse_data.quality.explaining import ExplainedRow, reasons
from polyrefuse_data.quality.inputs import inputs_of
from polyrefuse_data.quality.kept_scores import scores_of
from polyrefuse_data.quality.probability.evidence import P_GOOD, pulls_on
from polyrefuse_data.quality.score_table import ROW_COLUMNS
from polyrefuse_data.quality.thresholds import Threshold, Thresholds
from polyrefuse_data.release import layout
from polyrefuse_data.release.annex import released_rows
from polyrefuse_data.release.fetch import local_folder
from polyrefuse_data.rows import COLUMNS, SCORES, STATUSES
from polyrefuse_data.system.files import read_table
from polyrefuse_data.system.input_files import read_input
from polyrefuse_data.system.shell import shell_word
from polyrefuse_data.text.counts import counted
from polyrefuse_data.workspace import Workspace


@dataclass(frozen=True)
class ShownRows:
    """Some of the `found` matching rows, explained; `notice` is what to know about all of them."""

    rows: list[ExplainedRow]
    found: int
    notice: str = ""

    def to_text(self) -> str:
        """As text."""
        unseen = counted(self.found - len(self.rows), "more row matches", "more rows match")
        more = f"{unseen}: narrow the search, or raise --limit"
        parts = [self.notice] if self.notice else []
        parts += [row.to_text() for row in self.rows] or ["no row matches"]
        return "\n\n".join([*parts, more] if self.found > len(self.rows) else parts)

    def to_json(self) -> str:
        """As JSON: every row with its attempts, scores and reasons."""
        return json.dumps([row.to_record() for row in self.rows], ensure_ascii=False, indent=1)


@dataclass(frozen=True)
class _Found:
    """Rows and what belongs to them: `scores` has one line per row, `attempts` is in any order."""

    rows: pa.Table
    scores: pa.Table | None
    attempts: pa.Table | None
    bounds: Thresholds
    notice: str = ""


def show_rows(
    where: str | Path,
    id: str | None = None,
    *,
    language: str | None = None,
    status: str | None = None,
    flag: str | None = None,
    limit: int = 20,
) -> ShownRows:
    """At most `limit` rows of a workspace, a release folder or a Hub dataset with this id, language, status and flag.

    Raises ConfigError for an unknown status, or if `where` is none of these or has no row with this id; ReleaseError
    if the Hub has no such dataset.
    """
    if status is not None and status not in STATUSES:
        raise ConfigError(f"no row can have the status {status!r}: use one of {', '.join(STATUSES)}")
    found = _read(where)
    mask = np.ones(found.rows.num_rows, dtype=bool)
    for column, wanted in (("id", id), ("language", language)):
        if wanted is not None:
            mask &= np.asarray(pc.fill_null(pc.equal(found.rows[column], wanted), False))
            if not mask.any():
                raise ConfigError(f"{where} has no row with the {column} {wanted!r}")
    if status is not None:
        mask &= np.asarray(pc.fill_null(pc.equal(found.rows["status"], status), False))
    if flag is not None:
        mask &= [flag in (flags or ()) for flags in found.rows["flags"].to_pylist()]
    places = np.flatnonzero(mask)
    return ShownRows(_explained(found, places[:limit]), len(places), found.notice)


def _read(where: str | Path) -> _Found:
    workspace = Workspace(Path(where))
    if workspace.rows.exists():
        return _read_workspace(workspace)
    if Path(where).is_dir() and not (Path(where) / layout.MANIFEST).exists():
        raise ConfigError(
            f"{where} is neither a release nor a workspace with rows: see `polyrefuse status {shell_word(where)}`"
        )
    folder = local_folder(where)
    rows = released_rows(folder, as_rejected=False)
    return _Found(rows, scores_of(folder / layout.SCORES, inputs_of(rows)), None, _reported_bounds(folder))


def _read_workspace(workspace: Workspace) -> _Found:
    config = load_config(workspace.config if workspace.config.exists() else None)
    checked = read_checked(workspace, config.quality)
    attempts = read_table(workspace.attempts, "run `polyrefuse build`") if workspace.attempts.exists() else None
    bounds = checked.provenance.bounds if checked.provenance and not checked.unchecked else Thresholds({})
    notice = f"{checked.notice}: run `polyrefuse check {shell_word(workspace.path)}`" if checked.notice else ""
    return _Found(checked.rows, checked.scores, attempts, bounds, notice)


def _explained(found: _Found, places: np.typing.NDArray[np.int64]) -> list[ExplainedRow]:
    rows = found.rows.take(pa.array(places)).select(list(COLUMNS)).to_pylist()
    scores = found.scores.take(pa.array(places)).to_pylist() if found.scores else [None] * len(rows)
    tries = _tries(found.attempts, {row["id"] for row in rows})
    return [
        ExplainedRow(
            row=row,
            tries=tries[row["id"], row["language"]],
            scores=(own := _numbers(row, line)),
            reasons=reasons(row["flags"] or (), row["language"], own, found.bounds),
            pulls=pulls_on(own, row["language"]) if P_GOOD in own else {},
        )
        for row, line in zip(rows, scores, strict=True)
    ]


def _numbers(row: Mapping[str, Any], scores: Mapping[str, Any] | None) -> dict[str, float]:
    """The computed scores: all stored ones, or else those in the row."""
    if scores is None:
        return {name: row[name] for name in SCORES if row[name] is not None}
    kept = {name: value for name, value in scores.items() if name not in ROW_COLUMNS}
    return {name: value for name, value in kept.items() if isinstance(value, float)}


def _tries(attempts: pa.Table | None, ids: set[str]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """All attempts at rows with these ids, in order, by the row's key."""
    tries: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    if attempts is not None:
        of_ids = attempts.filter(pc.is_in(attempts["id"], value_set=pa.array(sorted(ids), pa.string())))
        for attempt in of_ids.sort_by("attempt").to_pylist():
            tries[attempt["id"], attempt["language"]].append(attempt)
    return tries


class _Bound(BaseModel):
    """A threshold as in summary.json, where a bound that nothing exceeds is null."""

    flag: str
    score: str
    direction: str
    bound: float | None
    bounds: dict[str, float | None]
    rejects: bool
    source: str

    def threshold(self) -> Threshold:
        is_floor = self.direction == "at least"
        nothing = float("-inf" if is_floor else "inf")
        default, *own = (nothing if bound is None else bound for bound in (self.bound, *self.bounds.values()))
        by_language = dict(zip(self.bounds, own, strict=True))
        return Threshold(
            self.flag,
            self.score,
            at_least=default if is_floor else None,
            at_most=None if is_floor else default,
            source=self.source,
            by_language=by_language,
            rejects=self.rejects,
        )


class _Summary(BaseModel):
    thresholds: dict[str, _Bound]


def _reported_bounds(folder: Path) -> Thresholds:
    """The bounds in the report of a release; none if they cannot be read."""
    try:
        summary = _Summary.model_validate_json(read_input(folder / layout.REPORT / "summary.json"))
    except (OSError, ValidationError):
        return Thresholds({})
    return Thresholds({name: bound.threshold() for name, bound in summary.thresholds.items()})
