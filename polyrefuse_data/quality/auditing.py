"""audit: the pure core of the quality room. Rows in, the same rows out, with scores, flags and status.

Two steps, so that a large table can be checked shard by shard: `audit_rows` runs every check that a row decides alone;
`shared_rows` and `mark_shared` settle what only all rows together show, one translation that stands for two prompts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from polyrefuse_data import rows as schema
from polyrefuse_data.config import QualityConfig
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.batch import IMPORTED_SCORES, make_batch, texts
from polyrefuse_data.quality.checks.correspondence import correspondence
from polyrefuse_data.quality.checks.imported import check_scales
from polyrefuse_data.quality.duplicates import groups_of_shared_targets, target_keys
from polyrefuse_data.quality.pairing import as_given, with_english
from polyrefuse_data.quality.scoring import checked_columns, with_columns
from polyrefuse_data.quality.thresholds import thresholds
from polyrefuse_data.system.machine import cores
from polyrefuse_data.system.workers import map_batches

# Rows whose Python lists are held at once: memory beyond the table itself does not grow with the table.
BATCH_ROWS = 1024

# Other processes load the checks anew (a second and a half each, and 0.3 GB): so many rows are worth one of them.
_ROWS_A_WORKER = 5_000
_MOST_WORKERS = 8

_REQUIRED = ("id", "language", "text")
_STRINGS = frozenset(field.name for field in schema.SCHEMA if field.type == pa.string())
_TEXTS = ("language", "text", "text_en", "back_translation")  # also what tells whose translation a text is
_READ = frozenset([*schema.COLUMNS, *IMPORTED_SCORES])
_SHARED = "duplicate_target"

Config = QualityConfig | Mapping[str, Any] | None


def audit(rows: pa.Table, config: Config = None, *, workers: int | None = None) -> pa.Table:
    """The same rows in the same order, with score columns, `flags`, `status` and `parallel` set anew.

    `rows` needs `id`, `language` and `text`; `text_en` and `back_translation` are used where they are, and a
    translation without `text_en` is compared with the English row of its id. `label` may be a string or a ClassLabel
    integer. Extra columns are kept; dictionary-encoded texts come back as plain strings. Flags of the row's maker
    (rows.MAKER_FLAGS) stay and reject the row; rows that a person edited stay `edited`, with
    what the checks think of them in `flags`.

    `workers` processes do the work, this one among them; by default one more for every 5,000 rows, but no more than
    there are cores, nor than 8; this one alone with a semantic model, which uses all cores. The result is the same.
    Raises ConfigError for what is no such table, for imported scores on another scale than their bound, and for a
    config with unknown keys, checks or languages; EngineError where another process dies.
    """
    settings, rows = quality_config(config), _readable(rows)
    paired = with_english(rows)
    audited = audit_rows(paired, settings, workers=_workers(rows.num_rows, settings) if workers is None else workers)
    audited = schema.mark_parallel(mark_shared(audited, shared_rows([audited], settings), settings))
    return audited if paired is rows else as_given(audited, rows)


def audit_rows(rows: pa.Table, config: Config = None, *, workers: int = 1) -> pa.Table:
    """`audit` as far as each row decides it alone: no duplicate_target, and `parallel` as it was (null where missing).

    What a row gets does not depend on the other rows: shards of a table may be checked apart.
    """
    if workers < 1:
        raise ConfigError(f"workers is the number of processes that check rows, this one among them: not {workers}")
    rows, settings = _readable(rows), quality_config(config)
    check_scales(rows, settings)
    batches = [rows.slice(start, BATCH_ROWS) for start in range(0, max(rows.num_rows, 1), BATCH_ROWS)]
    read = [batch.select([name for name in batch.column_names if name in _READ]) for batch in batches]
    found = map_batches(partial(checked_columns, settings=settings), read, workers)
    return _ordered(pa.concat_tables(map(with_columns, batches, found)))


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
            part = with_columns(part, pa.table({"flags": pa.array(flags, pa.list_(pa.string())), "status": status}))
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


def _workers(rows: int, settings: QualityConfig) -> int:
    if settings.semantic_model:
        return 1
    return min(cores(), _MOST_WORKERS, 1 + rows // _ROWS_A_WORKER)


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
        columns = [name for name in _TEXTS if name in table.column_names]
        parts.append(table.select(columns).filter(pa.array(mask[start : start + table.num_rows])))
        start += table.num_rows
    return pa.concat_tables(parts, promote_options="default")


def _ordered(table: pa.Table) -> pa.Table:
    """The schema's columns in their order, then the extra ones."""
    known = [name for name in schema.COLUMNS if name in table.column_names]
    return table.select(known + [name for name in table.column_names if name not in known])
