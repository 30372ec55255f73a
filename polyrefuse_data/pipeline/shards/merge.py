"""Merges finished shards into the files of a workspace, and settles what concerns rows of several shards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data import rows
from polyrefuse_data.pipeline.shards.store import ShardStore
from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.provenance import Seal, metadata_of
from polyrefuse_data.quality.score_table import scorer, with_scores_together
from polyrefuse_data.quality.suite import Suite
from polyrefuse_data.quality.thresholds import Score, Thresholds
from polyrefuse_data.quality.together import scores_together
from polyrefuse_data.quality.verdicts import mark_together
from polyrefuse_data.system.row_groups import with_metadata, write_groups
from polyrefuse_data.translation.attempts import ATTEMPT_SCHEMA
from polyrefuse_data.workspace import Workspace

_Together = Mapping[Check, Score]


@dataclass(frozen=True)
class _Tables:
    """The tables of all shards, one in memory at a time; can be iterated repeatedly."""

    read: Callable[[int], pa.Table]
    count: int

    def __iter__(self) -> Iterator[pa.Table]:
        return map(self.read, range(self.count))


@dataclass(frozen=True)
class _Judged:
    """The rows of all shards with the flags that they have together, as often as they are asked for."""

    tables: _Tables
    together: _Together
    bounds: Thresholds

    def __iter__(self) -> Iterator[pa.Table]:
        for table, own in _with_own(self.tables, self.together):
            yield mark_together(table, own, self.bounds)


def merge(store: ShardStore, count: int, suite: Suite, workspace: Workspace, metadata: Mapping[bytes, bytes]) -> None:
    """Write the rows, scores and attempts of `count` shards in order. Memory does not grow with their number.

    What all rows decide together is flagged, then `parallel` is set. `metadata` is kept in the file of the rows,
    with what they were checked under. That file is the last one to be written.
    """
    checked, scores = _Tables(store.rows, count), _Tables(store.scores, count)
    together = scores_together(suite, checked, scores)
    judged = _Judged(checked, together, suite.bounds)
    used: set[str] = set()
    seal = Seal()
    for table, scored in zip(judged, scores, strict=True):
        used.update(pc.unique(table["language"].filter(rows.usable(table))).to_pylist())
        seal.add(table, scored["inputs"].to_numpy())
    _write_scores(workspace, scores, together, suite)
    write_groups(workspace.attempts, ATTEMPT_SCHEMA, _Tables(store.attempts, count))
    schema = with_metadata(rows.SCHEMA, metadata, metadata_of(suite, seal))
    write_groups(workspace.rows, schema, (rows.mark_parallel(table, len(used)) for table in judged))


def _write_scores(workspace: Workspace, scores: _Tables, together: _Together, suite: Suite) -> None:
    nothing = {check: np.empty(0) for check in together}
    empty = with_scores_together(scorer(suite)(rows.SCHEMA.empty_table()), nothing)
    tables = (with_scores_together(table, own) for table, own in _with_own(scores, together))
    write_groups(workspace.scores, empty.schema, tables)


def _with_own(tables: _Tables, together: _Together) -> Iterator[tuple[pa.Table, _Together]]:
    """Each table with the values of its rows."""
    start = 0
    for table in tables:
        yield table, {check: values[start : start + table.num_rows] for check, values in together.items()}
        start += table.num_rows
