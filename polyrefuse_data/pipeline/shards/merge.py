"""Merges finished shards into the files of a workspace, and settles what concerns rows of several shards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data import rows
from polyrefuse_data.pipeline.shards.store import ShardStore
from polyrefuse_data.quality.checks.duplicate_target import DUPLICATE_TARGET, shared_targets
from polyrefuse_data.quality.provenance import Seal, metadata_of
from polyrefuse_data.quality.score_table import scorer, with_score
from polyrefuse_data.quality.suite import Suite
from polyrefuse_data.quality.thresholds import Score, Thresholds
from polyrefuse_data.quality.verdicts import mark_shared
from polyrefuse_data.system.row_groups import with_metadata, write_groups
from polyrefuse_data.translation.attempts import ATTEMPT_SCHEMA
from polyrefuse_data.workspace import Workspace


@dataclass(frozen=True)
class _Tables:
    """The tables of all shards, one in memory at a time; can be iterated repeatedly."""

    read: Callable[[int], pa.Table]
    count: int

    def __iter__(self) -> Iterator[pa.Table]:
        return map(self.read, range(self.count))


@dataclass(frozen=True)
class _Judged:
    """The rows of all shards with shared translations flagged; can be iterated repeatedly."""

    tables: _Tables
    shared: Score
    bounds: Thresholds

    def __iter__(self) -> Iterator[pa.Table]:
        for table, shared in _with_own(self.tables, self.shared):
            yield mark_shared(table, shared, self.bounds)


def merge(store: ShardStore, count: int, suite: Suite, workspace: Workspace, metadata: Mapping[bytes, bytes]) -> None:
    """Write the rows, scores and attempts of `count` shards in order. Memory does not grow with their number.

    Shared translations are flagged over all rows, then `parallel` is set. `metadata` is added to the file of the rows,
    with its provenance. That file is written last.
    """
    checked, scores = _Tables(store.rows, count), _Tables(store.scores, count)
    shared = shared_targets(checked)
    judged = _Judged(checked, shared, suite.bounds)
    used: set[str] = set()
    seal = Seal()
    for table, scored in zip(judged, scores, strict=True):
        used.update(pc.unique(table["language"].filter(rows.usable(table))).to_pylist())
        seal.add(table, scored["inputs"].to_numpy())
    _write_scores(workspace, scores, shared, suite)
    write_groups(workspace.attempts, ATTEMPT_SCHEMA, _Tables(store.attempts, count))
    schema = with_metadata(rows.SCHEMA, metadata, metadata_of(suite, seal))
    write_groups(workspace.rows, schema, (rows.mark_parallel(table, len(used)) for table in judged))


def _write_scores(workspace: Workspace, scores: _Tables, shared: Score, suite: Suite) -> None:
    empty = with_score(scorer(suite)(rows.SCHEMA.empty_table()), DUPLICATE_TARGET, np.empty(0))
    tables = (with_score(table, DUPLICATE_TARGET, own) for table, own in _with_own(scores, shared))
    write_groups(workspace.scores, empty.schema, tables)


def _with_own(tables: _Tables, values: Score) -> Iterator[tuple[pa.Table, Score]]:
    """Each table with the values of its rows."""
    start = 0
    for table in tables:
        yield table, values[start : start + table.num_rows]
        start += table.num_rows
