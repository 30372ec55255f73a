"""`polyrefuse check`: new verdicts for the rows of a workspace, from stored scores and the bounds in its config.

Imports, checks and reviews all write checked rows with this module (builds do it in shards). The order of the files
makes a stop at any moment harmless: rows.parquet, with the note on its provenance, is written last.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from polyrefuse_data import rows as schema
from polyrefuse_data.config import Config, load_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.batch import texts
from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.imported_scores import check_scales
from polyrefuse_data.quality.kept_scores import KeptScores, read_scores
from polyrefuse_data.quality.pairing import as_given, with_english
from polyrefuse_data.quality.provenance import provenance_of, sealed
from polyrefuse_data.quality.score_table import numbers_of, origins, with_scores_together
from polyrefuse_data.quality.scoring import PartialScores, complete_scores
from polyrefuse_data.quality.suite import Settings, Suite, suite_of
from polyrefuse_data.quality.thresholds import Score
from polyrefuse_data.quality.together import scores_together
from polyrefuse_data.quality.verdicts import judged, mark_together
from polyrefuse_data.system.files import read_table
from polyrefuse_data.system.row_groups import cut, group_sizes, with_metadata, write_groups
from polyrefuse_data.text import printable
from polyrefuse_data.text.counts import counted, each_counted
from polyrefuse_data.translation.attempts import ATTEMPT_SCHEMA, with_verdicts
from polyrefuse_data.workspace import Workspace


@dataclass(frozen=True)
class CheckSummary:
    """The result of a check: rows by status, rows that had to be scored, and changed verdicts."""

    workspace: Path
    rows: int
    status: dict[str, int]
    scored: int
    changed: dict[str, int]  # "accepted -> rejected" -> rows; of rows that had a verdict before

    def to_text(self) -> str:
        """For people."""
        counts = each_counted(self.status)
        lines = [f"{counted(self.rows, 'row')} checked in {self.workspace}: {counts}"]
        lines.append(f"  {counted(self.scored, 'row')} scored; the others kept their scores")
        lines += [f"  {step}: {counted(count, 'row')}" for step, count in self.changed.items()]
        return printable.lines(lines)

    def to_json(self) -> str:
        """For scripts."""
        return json.dumps({**asdict(self), "workspace": str(self.workspace)}, ensure_ascii=False, indent=1)


def check(
    workspace: Workspace | Path | str,
    config: Config | Settings = None,
    *,
    progress: bool = True,
) -> CheckSummary:
    """Update the verdict of every row in a workspace for `config` (default: `[quality]` of its polyrefuse.toml).

    Only new or changed rows are scored, and other rows only by checks that are new or have another version; all other
    scores come from scores.parquet. Call it again to resume after a stop. Nothing is translated: `build` gives newly
    rejected rows to the next backend.

    Raises ConfigError if the workspace has no rows, or the config names something that does not exist.
    """
    folder = workspace if isinstance(workspace, Workspace) else Workspace(Path(workspace))
    if config is None:
        config = load_config(folder.config if folder.config.exists() else None)
    suite = suite_of(config.quality if isinstance(config, Config) else config)
    with folder.lock():
        return write_checked(folder, folder.read_rows(), suite, progress=progress)


def write_checked(workspace: Workspace, rows: pa.Table, suite: Suite, *, progress: bool = True) -> CheckSummary:
    """Check these rows and write them, with their scores, to a workspace that the caller has locked."""
    check_scales(rows, suite.config)
    paired = with_english(rows)
    before, partial = read_scores(workspace.scores), PartialScores(workspace.checking)
    kept = KeptScores()
    for table in (*(() if before is None else (before,)), *partial):
        kept.add(table)
    scores, scored = complete_scores(paired, suite, kept, partial, progress=progress)
    together = _together(paired, scores, suite, before)
    each = judged(paired, scores, suite.bounds)
    checked = schema.mark_parallel(mark_together(each, together, suite.bounds))
    if paired is rows:
        checked = sealed(checked, suite, scores["inputs"].to_numpy())
    else:
        checked = sealed(as_given(checked, rows), suite)
    _write(workspace, checked, with_scores_together(scores, together), each)
    partial.clear()
    return _summary(workspace, rows, checked, scored)


def _together(rows: pa.Table, scores: pa.Table, suite: Suite, before: pa.Table | None) -> dict[Check, Score]:
    """The scores that all rows decide together: kept where they are the rows that they were."""
    if before is not None and before["inputs"].equals(scores["inputs"]):
        kept = origins(before)
        if all(check.identity_together in kept for check in suite.together):
            return {check: numbers_of(before, kept[check.identity_together][0]) for check in suite.together}
    return scores_together(suite, [rows], [scores])


def _write(workspace: Workspace, rows: pa.Table, scores: pa.Table, each: pa.Table) -> None:
    """Write the files; `each` are the rows as they are judged one by one. Row groups stay as they were."""
    sizes = group_sizes(workspace.rows)
    write_groups(workspace.scores, scores.schema, cut(scores, sizes))
    if workspace.attempts.exists():
        attempts = read_table(workspace.attempts, "run `polyrefuse build` again")
        if missing := set(ATTEMPT_SCHEMA.names) - set(attempts.column_names):
            raise ConfigError(f"{workspace.attempts} has no column {min(missing)}: run `polyrefuse build` again")
        told = with_verdicts(attempts, each)
        if not told.equals(attempts):
            write_groups(workspace.attempts, ATTEMPT_SCHEMA, cut(told, group_sizes(workspace.attempts)))
    write_groups(workspace.rows, with_metadata(rows.schema, rows.schema.metadata), cut(rows, sizes))


def _summary(workspace: Workspace, before: pa.Table, after: pa.Table, scored: int) -> CheckSummary:
    status = texts(after, "status")
    old = texts(before, "status") if provenance_of(before.schema) else status
    steps = Counter(zip(old, status, strict=True))
    return CheckSummary(
        workspace=workspace.path,
        rows=after.num_rows,
        status={name: count for name in schema.STATUSES if (count := status.count(name))},
        scored=scored,
        changed={f"{one} -> {other}": count for (one, other), count in sorted(steps.items()) if one != other},
    )
