"""The scores of some rows as a table: a line per row, a column per score, and in the schema which check gave which.

Columns: id, language, inputs (inputs.py: what was scored), then each score as float64, null if not computed, and labels
(the detected language) as strings. Thresholds play no part.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.batch import make_batch, numbers, slices
from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.inputs import Inputs, inputs_of
from polyrefuse_data.quality.suite import Suite
from polyrefuse_data.quality.thresholds import Score
from polyrefuse_data.system.workers import Work

ROW_COLUMNS = ("id", "language", "inputs")

_MADE_BY = b"polyrefuse.scores"
_ORIGINS = TypeAdapter(dict[str, list[str]])
_JUDGED_ROWS = 64  # that are scored at once where each costs money: a stop loses no more answers
_READ = ("id", "language", "text", "text_en", "back_translation", "back_translator")


def score_batches(rows: pa.Table, suite: Suite) -> list[pa.Table]:
    """The rows in batches, with the columns that `scorer` reads."""
    size = _JUDGED_ROWS if suite.config.judge else None
    return [*slices(rows.select([name for name in (*_READ, *suite.columns) if name in rows.column_names]), size)]


def scorer(suite: Suite, names: Collection[str] | None = None) -> Work:
    """A function that scores rows with the checks (or with those in `names`). It can be sent to another process."""
    found = {name: identity for name, identity in suite.identities.items() if names is None or name in names}
    return partial(_score, suite=suite, found=found)


def _score(rows: pa.Table, suite: Suite, found: Mapping[str, str]) -> pa.Table:
    """The scores of the checks in `found`, with their identities; if these are all, derived ones too. Decides
    nothing."""
    batch = make_batch(rows)
    scores = {
        found[check.name]: copied_score(rows, check) if check.column else check.run(batch)
        for check in suite.checks
        if check.name in found
    }
    table = put_together(rows, inputs_of(rows), scores)
    return with_derived(table, suite) if len(found) == len(suite.identities) else table


def with_derived(scores: pa.Table, suite: Suite) -> pa.Table:
    """The table with the scores that follow from those in it."""
    return _extended(scores, {check.identity: check.run_on_scores(scores) for check in suite.deriving})


def copied_score(rows: pa.Table, check: Check) -> pa.Table:
    """The score in a column of the rows; no column if they have none. Raises ConfigError if it does not hold
    numbers."""
    if check.column is None or check.column not in rows.column_names:
        return rows.select([])
    return pa.table({check.name: pa.array(numbers(rows, check.column), pa.float64(), from_pandas=True)})


def put_together(rows: pa.Table, inputs: Inputs, scores: Mapping[str, pa.Table]) -> pa.Table:
    """One table from the scores of each check, by identity, for these rows; in the order of the checks."""
    table = pa.table({"id": rows["id"], "language": rows["language"], "inputs": pa.array(inputs)})
    return _extended(table, scores)


def _extended(table: pa.Table, scores: Mapping[str, pa.Table]) -> pa.Table:
    made_by = {**origins(table), **{identity: columns.column_names for identity, columns in scores.items()}}
    for identity, columns in scores.items():
        for name in columns.column_names:
            if name in table.column_names:
                raise ConfigError(f"check {identity} gives a score named {name}, and so does another check: rename one")
            table = table.append_column(name, columns[name])
    return with_origins(table, made_by)


def origins(scores: pa.Table | pa.Schema) -> dict[str, list[str]]:
    """Identity of a check -> its columns. Raises ValueError if the metadata is not readable."""
    schema = scores.schema if isinstance(scores, pa.Table) else scores
    return _ORIGINS.validate_json((schema.metadata or {}).get(_MADE_BY, b"{}"))


def with_origins(scores: pa.Table, made_by: Mapping[str, Sequence[str]]) -> pa.Table:
    """The table with metadata on which check gave which columns."""
    return scores.replace_schema_metadata({_MADE_BY: json.dumps(made_by, ensure_ascii=False)})


def with_scores_together(scores: pa.Table, together: Mapping[Check, Score]) -> pa.Table:
    """The table with the scores that all rows decided together."""
    made_by = origins(scores)
    for check, values in together.items():
        assert check.together is not None
        scores = scores.append_column(check.together.score, pa.array(values, pa.float64(), from_pandas=True))
        made_by[check.identity_together] = [check.together.score]
    return with_origins(scores, made_by)


def numbers_of(scores: pa.Table, name: str) -> Score:
    """A score as an array, with NaN if not computed."""
    return np.asarray(pc.fill_null(scores[name], np.nan).to_numpy(), dtype=np.float64)
