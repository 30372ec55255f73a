"""Scores for every row: stored ones, and the others computed and stored at once, batch by batch.

A stopped check resumes, because files of unfinished work are as good a source as scores.parquet.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from polyrefuse_data.quality.auditing import workers_for
from polyrefuse_data.quality.inputs import Inputs, inputs_of
from polyrefuse_data.quality.kept_scores import KeptScores, read_scores
from polyrefuse_data.quality.score_table import copied_score, put_together, score_batches, scorer, with_derived
from polyrefuse_data.quality.suite import Suite
from polyrefuse_data.system.files import remove_own, write_table
from polyrefuse_data.system.progress import progress as progress_of
from polyrefuse_data.system.workers import map_batches

_FILE = re.compile(r"\d{6,}\.parquet|\..*\.part")


class PartialScores:
    """The folder of a check in progress, with score tables of some rows each. Removed at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1 + max((int(path.stem) for path in self._files()), default=0))

    def __iter__(self) -> Iterator[pa.Table]:
        tables = map(read_scores, self._files())
        return (table for table in tables if table is not None)

    def _files(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("[0-9]*.parquet") if _FILE.fullmatch(path.name))

    def add(self, scores: pa.Table) -> None:
        write_table(scores, self.folder / f"{next(self._numbers):06d}.parquet")

    def clear(self) -> None:
        """Remove the files, since the scores are in scores.parquet. Anything else in the folder stays."""
        remove_own(self.folder, _FILE)


def complete_scores(
    rows: pa.Table, suite: Suite, kept: KeptScores, partial: PartialScores, *, progress: bool = True
) -> tuple[pa.Table, int]:
    """The scores of every row (score_table.py), and the number of rows that had to be scored.

    New scores go to `kept` and, batch by batch, to the folder `partial`.
    """
    if not rows.num_rows:
        return scorer(suite)(rows), 0
    inputs = inputs_of(rows)
    works = list(_lacking(suite, kept, inputs))
    total = sum(len(places) for _, places in works)
    with progress_of("check", "rows", total, is_shown=progress and total > 0) as bar:
        for names, places in works:
            some = rows if len(places) == rows.num_rows else rows.take(pa.array(places))
            workers = workers_for(some.num_rows, suite.config)
            for scores in map_batches(scorer(suite, names), score_batches(some, suite), workers):
                partial.add(scores)
                kept.add(scores)
                bar.update(scores.num_rows)
    scored = len(np.unique(np.concatenate([np.empty(0, np.int64), *(places for _, places in works)])))
    return _whole(rows, suite, kept, inputs), scored


def _lacking(suite: Suite, kept: KeptScores, inputs: Inputs) -> Iterator[tuple[list[str], npt.NDArray[np.int64]]]:
    """(names of checks, rows that lack exactly their scores) for each such set of checks; only the first of equal
    rows."""
    checks = suite.scoring
    lacking = np.stack([kept.lack(suite.identities[check.name], inputs) for check in checks])
    first = np.zeros(len(inputs), dtype=bool)
    first[np.unique(inputs, return_index=True)[1]] = True
    rows = np.flatnonzero(lacking.any(axis=0) & first)
    patterns, kinds = np.unique(lacking[:, rows], axis=1, return_inverse=True)
    for kind, pattern in enumerate(patterns.T):
        names = [check.name for check, lacks in zip(checks, pattern, strict=True) if lacks]
        yield names, rows[kinds.ravel() == kind]


def _whole(rows: pa.Table, suite: Suite, kept: KeptScores, inputs: Inputs) -> pa.Table:
    """One line per row, from stored scores and copied columns."""
    scores = {}
    for check in suite.checks:
        if identity := suite.identities.get(check.name):
            scores[identity] = copied_score(rows, check) if check.column else kept.columns(identity, inputs)
    return with_derived(put_together(rows, inputs, scores), suite)
