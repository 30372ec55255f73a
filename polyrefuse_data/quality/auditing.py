"""audit: the pure core of the quality room. Rows in, the same rows out, with scores, flags and status.

Two steps, so that a large table can be checked shard by shard: `audit_rows` runs every check that a row decides alone;
`shared_rows` and `mark_shared` settle what only all rows together show, one translation that stands for two prompts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from polyrefuse_data import rows as schema
from polyrefuse_data.config import QualityConfig
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.batch import Batch, make_batch, texts
from polyrefuse_data.quality.checks import checks_for
from polyrefuse_data.quality.checks.base import Check, Labels, Score
from polyrefuse_data.quality.checks.correspondence import correspondence
from polyrefuse_data.quality.duplicates import groups_of_shared_targets, target_keys
from polyrefuse_data.quality.pairing import as_given, with_english
from polyrefuse_data.quality.thresholds import Thresholds, thresholds

# Rows whose Python lists are held at once: memory beyond the table itself does not grow with the table.
BATCH_ROWS = 4096

SCORE_COLUMNS = ("chrf", "bleu", "language_confidence", "length_ratio", "copy_ratio")
LABEL_COLUMNS = ("detected_language",)
_REQUIRED = ("id", "language", "text")
_STRINGS = frozenset(field.name for field in schema.SCHEMA if field.type == pa.string())
_TEXTS = ("language", "text", "text_en", "back_translation")
_SHARED = "duplicate_target"
_SHARED_COLUMNS = ("language", "text", "text_en", "back_translation")

Config = QualityConfig | Mapping[str, Any] | None


def audit(rows: pa.Table, config: Config = None) -> pa.Table:
    """The same rows in the same order, with score columns, `flags`, `status` and `parallel` set anew.

    `rows` needs `id`, `language` and `text`; `text_en` and `back_translation` are used where they are, and a
    translation without `text_en` is compared with the English row of its id. `label` may be a string or a ClassLabel
    integer. Extra columns are kept; dictionary-encoded texts come back as plain strings. Flags of the row's maker
    (rows.MAKER_FLAGS) stay and reject the row; rows that a person edited stay `edited`, with
    what the checks think of them in `flags`.
    Raises ConfigError for what is no such table, and for a config with unknown keys, checks or languages.
    """
    settings, rows = quality_config(config), _readable(rows)
    paired = with_english(rows)
    audited = audit_rows(paired, settings)
    audited = schema.mark_parallel(mark_shared(audited, shared_rows([audited], settings), settings))
    return audited if paired is rows else as_given(audited, rows)


def audit_rows(rows: pa.Table, config: Config = None) -> pa.Table:
    """`audit` as far as each row decides it alone: no duplicate_target, and `parallel` as it was (null where missing).

    What a row gets does not depend on the other rows: shards of a table may be checked apart.
    """
    rows = _readable(rows)
    settings = quality_config(config)
    bounds, checks = thresholds(settings), checks_for(settings)
    starts = range(0, max(rows.num_rows, 1), BATCH_ROWS)
    return _ordered(pa.concat_tables(_audit_batch(rows.slice(start, BATCH_ROWS), checks, bounds) for start in starts))


def shared_rows(tables: Iterable[pa.Table], config: Config = None) -> npt.NDArray[np.bool_]:
    """The rows of all `tables`, in their order, whose text stands for another prompt too: (rows,), True to flag.

    Of the rows that share a text, the one that it answers to best goes free. `tables` is gone through twice and may
    read its tables anew each time; eight bytes a row and the rows that share a text are held, never all texts.
    """
    threshold = (bounds := thresholds(quality_config(config))).table.get(_SHARED)
    keys = np.concatenate([np.empty(0, np.uint64), *(_keys(table) for table in tables)])
    marked = np.zeros(len(keys))
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    repeated = (counts[inverse] > 1) & (keys != 0)
    if threshold is None or not repeated.any():
        return marked.astype(bool)
    part = _filtered(tables, repeated)
    places = np.flatnonzero(repeated)
    for group in groups_of_shared_targets(inverse[places], texts(part, "text_en")):
        odds = correspondence(make_batch(part.take(group))).numbers["correspondence"]
        marked[places[group]] = 1
        if not np.isnan(odds).all() and np.nanmax(odds) > 0:
            marked[places[group[int(np.nanargmax(odds))]]] = 0
    beyond = np.zeros(len(keys), dtype=bool)
    beyond[places] = ~threshold.accept(marked[places], bounds.bounds(_SHARED, texts(part, "language")))
    return beyond


def mark_shared(rows: pa.Table, shared: npt.NDArray[np.bool_], config: Config = None) -> pa.Table:
    """Audited rows with the flag of `shared_rows` where the mask is True; unless edited, they are rejected."""
    threshold = thresholds(quality_config(config)).table.get(_SHARED)
    if threshold is None or not shared.any():
        return rows
    parts = []
    for start in range(0, rows.num_rows, BATCH_ROWS):
        part, mask = rows.slice(start, BATCH_ROWS), shared[start : start + BATCH_ROWS]
        if mask.any():
            flags = [row or [] for row in part["flags"].to_pylist()]
            for row in np.flatnonzero(mask):
                flags[row].append(threshold.flag)
            rejected = pa.array(mask & threshold.rejects)
            status = pc.if_else(
                pc.and_(rejected, pc.not_equal(part["status"], schema.EDITED)), schema.REJECTED, part["status"]
            )
            part = _replaced(part, {"flags": pa.array(flags, pa.list_(pa.string())), "status": status})
        parts.append(part)
    return pa.concat_tables(parts)


def quality_config(config: QualityConfig | Mapping[str, Any] | None) -> QualityConfig:
    """A QualityConfig from one, from a plain dict of one, or the defaults."""
    if isinstance(config, QualityConfig):
        return config
    if not isinstance(config, Mapping | None):
        raise ConfigError(f"quality: a QualityConfig or a dict of its keys, not {type(config).__name__}")
    try:
        return QualityConfig.model_validate(dict(config or {}))
    except ValidationError as error:
        lines = [f"quality.{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise ConfigError("\n".join(lines)) from None


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


def _readable(rows: pa.Table) -> pa.Table:
    """The rows as a table whose text columns are strings. Raises ConfigError where they cannot be."""
    if isinstance(rows, pa.RecordBatch):
        rows = pa.Table.from_batches([rows])
    if not isinstance(rows, pa.Table):
        raise ConfigError(f"audit takes a pyarrow.Table of rows, not {type(rows).__name__}")
    missing = [name for name in _REQUIRED if name not in rows.column_names]
    if missing:
        raise ConfigError(f"these rows have no column {', '.join(missing)}: audit needs {', '.join(_REQUIRED)}")
    if twice := sorted({name for name in rows.column_names if rows.column_names.count(name) > 1}):
        raise ConfigError(f"these rows have two columns called {', '.join(twice)}: rename one")
    for place, field in enumerate(rows.schema):
        encoded = pa.types.is_dictionary(field.type) or pa.types.is_string_view(field.type)
        if encoded and field.name in _STRINGS:
            rows = rows.set_column(place, field.name, rows[place].cast(pa.string()))
        elif field.name in _TEXTS and not _holds_text(field.type):
            raise ConfigError(f"column {field.name} holds {field.type}, not text: convert it to strings")
    return rows


def _holds_text(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.large_string(), pa.null())


def _keys(table: pa.Table) -> npt.NDArray[np.uint64]:
    """A number for what each row says in its language; 0 where a row can share nothing."""
    keys = np.empty(table.num_rows, dtype=np.uint64)
    for start in range(0, table.num_rows, BATCH_ROWS):
        part = table.slice(start, BATCH_ROWS)
        columns = (texts(part, name) for name in ("language", "text", "text_en"))
        keys[start : start + part.num_rows] = target_keys(*columns)
    return keys


def _filtered(tables: Iterable[pa.Table], mask: npt.NDArray[np.bool_]) -> pa.Table:
    """The rows of all tables where `mask` is True, with the columns that tell whose translation a text is."""
    parts, start = [], 0
    for table in tables:
        columns = [name for name in _SHARED_COLUMNS if name in table.column_names]
        parts.append(table.select(columns).filter(pa.array(mask[start : start + table.num_rows])))
        start += table.num_rows
    return pa.concat_tables(parts, promote_options="default")


def _audit_batch(rows: pa.Table, checks: Sequence[Check], bounds: Thresholds) -> pa.Table:
    batch = make_batch(rows)
    scored = score(batch, checks)
    flags = _maker_flags(rows)
    rejected = np.array([bool(row) for row in flags], dtype=bool)
    for name, beyond in verdicts(scored, batch.language, bounds):
        threshold = bounds.table[name]
        if threshold.rejects:
            rejected |= beyond
        for row in np.flatnonzero(beyond):
            if threshold.flag not in flags[row]:
                flags[row].append(threshold.flag)
    return _with_columns(rows, scored, flags, rejected)


def _maker_flags(rows: pa.Table) -> list[list[str]]:
    if "flags" not in rows.column_names:
        return [[] for _ in range(rows.num_rows)]
    return [[flag for flag in row or [] if flag in schema.MAKER_FLAGS] for row in rows["flags"].to_pylist()]


def _with_columns(rows: pa.Table, scored: Scored, flags: list[list[str]], rejected: npt.NDArray[np.bool_]) -> pa.Table:
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
    return _replaced(rows, columns)


def _replaced(rows: pa.Table, columns: Mapping[str, Any]) -> pa.Table:
    """The table with these columns of the schema put in place, or added; the others are shared, not copied."""
    for name, values in columns.items():
        field = schema.SCHEMA.field(name)
        if name in rows.column_names:
            rows = rows.set_column(rows.column_names.index(name), field, values)
        else:
            rows = rows.append_column(field, values)
    return rows


def _ordered(table: pa.Table) -> pa.Table:
    """The schema's columns in their order, then the extra ones."""
    known = [name for name in schema.COLUMNS if name in table.column_names]
    return table.select(known + [name for name in table.column_names if name not in known])
