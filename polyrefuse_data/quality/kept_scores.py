"""Scores computed earlier, found by what was scored (inputs.py) and by the check."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from polyrefuse_data.quality.inputs import Inputs
from polyrefuse_data.quality.score_table import ROW_COLUMNS, origins
from polyrefuse_data.rows import sort_rows
from polyrefuse_data.system.input_files import reason, regular_file

_logger = logging.getLogger(__name__)

Places = npt.NDArray[np.int64]  # row numbers of a table, -1 where there is no such row


class KeptScores:
    """Any number of score tables, of any rows and checks, as one."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, ...], _Group] = {}  # by the identities of the checks

    def add(self, scores: pa.Table) -> None:
        """Add a table. If a score is already there, the earlier one counts."""
        checks = tuple(sorted(origins(scores)))
        group = self._groups.get(checks, _Group([]))
        self._groups[checks] = _Group([*group.tables, scores])

    def lack(self, identity: str, inputs: Inputs) -> npt.NDArray[np.bool_]:
        """Mask of inputs for which this check has no score."""
        lacking = np.ones(len(inputs), dtype=bool)
        for group in self._of(identity):
            lacking &= group.places(inputs) < 0
        return lacking

    def columns(self, identity: str, inputs: Inputs) -> pa.Table:
        """The scores of this check for these inputs, all of which it must have scored."""
        parts: list[pa.Table] = []
        places = np.full(len(inputs), -1)
        for group in self._of(identity):
            own = group.places(inputs)
            new = (places < 0) & (own >= 0)
            places[new] = own[new] + sum(part.num_rows for part in parts)
            parts.append(group.table.select(origins(group.table)[identity]))
        found = pa.concat_tables(parts)
        if np.array_equal(places, np.arange(found.num_rows)):
            return found
        return found.take(pa.array(places))

    def _of(self, identity: str) -> list[_Group]:
        return [group for checks, group in self._groups.items() if identity in checks]


class _Group:
    """Tables with scores of the same checks."""

    def __init__(self, tables: Sequence[pa.Table]) -> None:
        self.tables = tables
        self._asked: tuple[Inputs, Places] | None = None  # what was looked up last: every check asks for the same

    @cached_property
    def table(self) -> pa.Table:
        return pa.concat_tables(self.tables)

    def places(self, inputs: Inputs) -> Places:
        """The row of each input in `table`."""
        if self._asked is None or self._asked[0] is not inputs:
            self._asked = inputs, self._places(inputs)
        return self._asked[1]

    def _places(self, inputs: Inputs) -> Places:
        known = self.table["inputs"].to_numpy()
        if np.array_equal(known, inputs):
            return np.arange(len(known))
        if not len(known):
            return np.full(len(inputs), -1)
        order = np.argsort(known, kind="stable")
        found = np.minimum(np.searchsorted(known, inputs, sorter=order), len(known) - 1)
        return np.where(known[order[found]] == inputs, order[found], -1)


def read_scores(path: Path) -> pa.Table | None:
    """Read a file of scores; None if it is missing. A damaged file is logged and counts as missing."""
    try:
        with pq.ParquetFile(regular_file(path)) as file:
            table = file.read()
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError, ValueError) as error:
        _logger.warning("%s cannot be read (%s): scoring its rows again", path, reason(error))
        return None
    if not _is_whole(table):
        _logger.warning("%s holds no scores: scoring its rows again", path)
        return None
    return table


def scores_of(path: Path, inputs: Inputs, *, sort: bool = False) -> pa.Table | None:
    """The scores in a file (with `sort`: in file order) if they belong to rows with exactly these inputs, line by line;
    else None."""
    table = read_scores(path)
    if table is not None and sort:
        table = sort_rows(table)
    return table if table is not None and np.array_equal(table["inputs"].to_numpy(), inputs) else None


def _is_whole(table: pa.Table) -> bool:
    """Whether a table has the columns and types that its metadata lists."""
    try:
        scores = [name for names in origins(table).values() for name in names]
        kinds = {table.schema.field(name).type for name in scores}
        inputs = table["inputs"]
        table.select([*ROW_COLUMNS, *scores])
    except (ValueError, KeyError):
        return False
    return kinds <= {pa.float64(), pa.string()} and inputs.type == pa.uint64() and not inputs.null_count
