"""Verdicts: flags and status as a pure function of scores, bounds and the flags that rows came with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data import rows as schema
from polyrefuse_data.quality.batch import BATCH_ROWS, languages, slices
from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.score_table import numbers_of
from polyrefuse_data.quality.thresholds import Score, Thresholds

LABEL_COLUMNS = ("detected_language",)

_ROWS = 16_384  # that are judged at once: each step has a price of its own, and the flags of all would be many lists

Mask = npt.NDArray[np.bool_]


def judged(rows: pa.Table, scores: pa.Table, bounds: Thresholds) -> pa.Table:
    """The rows with score columns, detected_language, `flags` and `status` from `scores`, and with `parallel` if it is
    missing.

    `scores` has one line per row, in the same order. The other columns are shared with `rows`, not copied.
    """
    both = zip(slices(rows, _ROWS), slices(scores, _ROWS), strict=True)
    columns = [_columns(*parts, bounds) for parts in both]
    return _ordered(with_columns(rows, pa.concat_tables(columns)))


def mark_together(rows: pa.Table, together: Mapping[Check, Score], bounds: Thresholds) -> pa.Table:
    """Judged rows with the flags of those scores that all rows decided together; unless edited, rejected by them."""
    for check, scores in together.items():
        assert check.together is not None
        for threshold in check.thresholds:
            if threshold.score == check.together.score and threshold.name in bounds.table:
                rows = _mark(rows, scores, threshold.name, bounds)
    return rows


def _mark(rows: pa.Table, scores: Score, name: str, bounds: Thresholds) -> pa.Table:
    threshold = bounds.table[name]
    beyond = ~threshold.accept(scores, bounds.bounds(name, languages(rows), by_hand(rows)))
    if not beyond.any():
        return rows
    parts = []
    for start in range(0, rows.num_rows, BATCH_ROWS):
        part, mask = rows.slice(start, BATCH_ROWS), beyond[start : start + BATCH_ROWS]
        if mask.any():
            flags = [row or [] for row in part["flags"].to_pylist()]
            for row in np.flatnonzero(mask):
                if threshold.flag not in flags[row]:
                    flags[row].append(threshold.flag)
            rejected = pa.array(mask & threshold.rejects)
            status = pc.if_else(
                pc.and_(rejected, pc.not_equal(part["status"], schema.EDITED)), schema.REJECTED, part["status"]
            )
            part = with_columns(part, pa.table({"flags": pa.array(flags, pa.list_(pa.string())), "status": status}))
        parts.append(part)
    return pa.concat_tables(parts)


def by_hand(rows: pa.Table) -> Mask:
    """Mask of the rows that people translated."""
    if "origin" not in rows.column_names:
        return np.zeros(rows.num_rows, dtype=bool)
    human = pc.fill_null(pc.equal(rows["origin"].cast(pa.string()), schema.HUMAN), False)
    return np.asarray(human.to_numpy(), dtype=bool)


def unjudged(rows: pa.Table, status: str) -> pa.Table:
    """The rows as if unchecked: without scores, only with the flags of their maker, and with this status."""
    made = pa.array([before for before, _ in _made(rows, frozenset())], pa.list_(pa.string()))
    nothing = {
        name: pa.nulls(rows.num_rows, schema.SCHEMA.field(name).type) for name in (*schema.SCORES, *LABEL_COLUMNS)
    }
    verdict = {"status": pa.repeat(status, rows.num_rows), "parallel": pa.repeat(False, rows.num_rows)}
    return with_columns(rows, pa.table({**nothing, "flags": made, **verdict}))


def with_columns(rows: pa.Table, columns: pa.Table) -> pa.Table:
    """The rows with these schema columns set or added; the others are shared, not copied."""
    for name, values in zip(columns.column_names, columns.columns, strict=True):
        field = schema.SCHEMA.field(name)
        if name in rows.column_names:
            rows = rows.set_column(rows.column_names.index(name), field, values)
        else:
            rows = rows.append_column(field, values)
    return rows


def _beyond(scores: pa.Table, codes: list[str], human: Mask, bounds: Thresholds) -> Iterator[tuple[str, Mask]]:
    """(threshold name, rows beyond it) for each threshold on a score that there is."""
    known = list(dict.fromkeys(codes))
    places = {code: place for place, code in enumerate(known)}
    row_places = np.array([places[code] for code in codes], dtype=np.int64)
    for name, threshold in bounds.table.items():
        if threshold.score in scores.column_names:
            own = bounds.bounds(name, known)[row_places]
            if threshold.human is not None and human.any():
                own = np.where(human, bounds.bounds(name, known, np.ones(len(known), bool))[row_places], own)
            yield name, ~threshold.accept(numbers_of(scores, threshold.score), own)


def _made(rows: pa.Table, flags_of_checks: frozenset[str]) -> list[tuple[list[str], list[str]]]:
    """The flags that the maker of each row set, to go before and after those of the checks.

    After them: why no backend translated the row. Such a reason may have any name except that of a check.
    """
    if "flags" not in rows.column_names:
        return [([], []) for _ in range(rows.num_rows)]
    kept = {*schema.MAKER_FLAGS, *schema.MAKER_NOTES}
    others = flags_of_checks | kept
    found = []
    for flags in rows["flags"].to_pylist():
        before = [flag for flag in flags if flag in kept] if flags else []
        failed = schema.TRANSLATION_FAILED in before
        found.append((before, [flag for flag in flags if flag not in others] if failed else []))
    return found


def _columns(rows: pa.Table, scores: pa.Table, bounds: Thresholds) -> pa.Table:
    """The columns that the checks set for some rows."""
    flags, rejected = _verdicts(rows, scores, bounds)
    status = pc.if_else(pa.array(rejected), schema.REJECTED, schema.ACCEPTED)
    if "status" in rows.column_names:
        edited = pc.fill_null(pc.equal(rows["status"].cast(pa.string()), schema.EDITED), False)
        status = pc.if_else(edited, schema.EDITED, status)
    columns: dict[str, Any] = {
        name: scores[name].cast(pa.float32()) for name in schema.SCORES if name in scores.column_names
    }
    columns |= {name: scores[name] for name in LABEL_COLUMNS if name in scores.column_names}
    columns |= {"flags": pa.array(flags, pa.list_(pa.string())), "status": status}
    if "parallel" not in rows.column_names:
        columns["parallel"] = pa.nulls(rows.num_rows, pa.bool_())
    return pa.table(columns)


def _verdicts(rows: pa.Table, scores: pa.Table, bounds: Thresholds) -> tuple[list[list[str]], Mask]:
    """The flags of each row, and whether they reject it."""
    made = _made(rows, bounds.flags)
    flags = [[*before] for before, _ in made]
    notes = set(schema.MAKER_NOTES)
    rejected = np.array([bool(row) and not notes.issuperset(row) for row in flags], dtype=bool)
    for name, beyond in _beyond(scores, languages(rows), by_hand(rows), bounds):
        threshold = bounds.table[name]
        if threshold.rejects:
            rejected |= beyond
        for row in np.flatnonzero(beyond):
            if threshold.flag not in flags[row]:
                flags[row].append(threshold.flag)
    return [own + after for own, (_, after) in zip(flags, made, strict=True)], rejected


def _ordered(table: pa.Table) -> pa.Table:
    """The columns of the schema in order, then the extra ones."""
    known = [name for name in schema.COLUMNS if name in table.column_names]
    return table.select(known + [name for name in table.column_names if name not in known])
