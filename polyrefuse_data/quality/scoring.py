"""Scores of some rows, and the flags and status that follow from them: all that a row decides alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data import rows as schema
from polyrefuse_data.config import QualityConfig
from polyrefuse_data.quality.batch import Batch, make_batch
from polyrefuse_data.quality.checks import checks_for
from polyrefuse_data.quality.checks.base import Check, Labels, Score
from polyrefuse_data.quality.thresholds import Thresholds, thresholds

SCORE_COLUMNS = ("chrf", "bleu", "language_confidence", "length_ratio", "copy_ratio")
LABEL_COLUMNS = ("detected_language",)


@dataclass(frozen=True)
class Scored:
    """Every score of some rows, by name: what verdicts are made from."""

    numbers: dict[str, Score]
    labels: dict[str, Labels]


def score(batch: Batch, checks: Sequence[Check]) -> Scored:
    """Run the checks on some rows. Decides nothing."""
    numbers: dict[str, Score] = {}
    labels: dict[str, Labels] = {}
    for check in checks:
        scores = check.score(batch)
        numbers.update(scores.numbers)
        labels.update(scores.labels)
    return Scored(numbers, labels)


def verdicts(scored: Scored, languages: list[str], bounds: Thresholds) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """(threshold name, rows beyond it) for each threshold, from scores alone."""
    for name, threshold in bounds.table.items():
        if threshold.score in scored.numbers:
            yield name, ~threshold.accept(scored.numbers[threshold.score], bounds.bounds(name, languages))


def checked_columns(rows: pa.Table, settings: QualityConfig) -> pa.Table:
    """The columns that the checks write for some rows: scores, detected_language, flags, status; `parallel` if new."""
    batch, bounds = make_batch(rows), thresholds(settings)
    scored = score(batch, checks_for(settings))
    flags = _maker_flags(rows)
    rejected = np.array([not set(row) <= set(schema.MAKER_NOTES) for row in flags], dtype=bool)
    for name, beyond in verdicts(scored, batch.language, bounds):
        threshold = bounds.table[name]
        if threshold.rejects:
            rejected |= beyond
        for row in np.flatnonzero(beyond):
            if threshold.flag not in flags[row]:
                flags[row].append(threshold.flag)
    return _columns(rows, scored, flags, rejected)


def with_columns(rows: pa.Table, columns: pa.Table) -> pa.Table:
    """The rows with these columns of the schema put in place, or added; the others are shared, not copied."""
    for name, values in zip(columns.column_names, columns.columns, strict=True):
        field = schema.SCHEMA.field(name)
        if name in rows.column_names:
            rows = rows.set_column(rows.column_names.index(name), field, values)
        else:
            rows = rows.append_column(field, values)
    return rows


def _maker_flags(rows: pa.Table) -> list[list[str]]:
    if "flags" not in rows.column_names:
        return [[] for _ in range(rows.num_rows)]
    kept = {*schema.MAKER_FLAGS, *schema.MAKER_NOTES}
    return [[flag for flag in row or [] if flag in kept] for row in rows["flags"].to_pylist()]


def _columns(rows: pa.Table, scored: Scored, flags: list[list[str]], rejected: npt.NDArray[np.bool_]) -> pa.Table:
    status = pc.if_else(pa.array(rejected), schema.REJECTED, schema.ACCEPTED)
    if "status" in rows.column_names:
        edited = pc.fill_null(pc.equal(rows["status"].cast(pa.string()), schema.EDITED), False)
        status = pc.if_else(edited, schema.EDITED, status)
    columns: dict[str, Any] = {
        name: pa.array(scored.numbers[name], from_pandas=True).cast(pa.float32())
        for name in SCORE_COLUMNS
        if name in scored.numbers
    }
    columns |= {name: pa.array(scored.labels[name], pa.string()) for name in LABEL_COLUMNS if name in scored.labels}
    columns |= {"flags": pa.array(flags, pa.list_(pa.string())), "status": status}
    if "parallel" not in rows.column_names:
        columns["parallel"] = pa.nulls(rows.num_rows, pa.bool_())
    return pa.table(columns)
