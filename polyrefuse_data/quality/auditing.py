"""`audit`: takes rows and returns the same rows with scores, flags and status. No I/O.

Scores first (score_table.py, together.py), then what follows from them (verdicts.py), then the note under what
(provenance.py). A large table is checked shard by shard: `audit_rows` does all that a row decides alone.
"""

from __future__ import annotations

import pyarrow as pa

from polyrefuse_data import rows as schema
from polyrefuse_data.config import QualityConfig
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.imported_scores import check_scales
from polyrefuse_data.quality.pairing import as_given, with_english
from polyrefuse_data.quality.provenance import sealed
from polyrefuse_data.quality.score_table import score_batches, scorer
from polyrefuse_data.quality.suite import Settings, suite_of
from polyrefuse_data.quality.together import scores_together
from polyrefuse_data.quality.verdicts import judged, mark_together
from polyrefuse_data.system.garbage import rare_collection
from polyrefuse_data.system.machine import cores
from polyrefuse_data.system.workers import map_batches

# Other processes load the checks anew (a second and a half each, and 0.3 GB): so many rows are worth one of them.
_ROWS_A_WORKER = 5_000
_MOST_WORKERS = 8

_REQUIRED = ("id", "language", "text")
_STRINGS = frozenset(field.name for field in schema.SCHEMA if field.type == pa.string())
_TEXTS = ("language", "text", "text_en", "back_translation")


@rare_collection()
def audit(rows: pa.Table, config: Settings = None, *, workers: int | None = None) -> pa.Table:
    """Check rows. Returns the same rows in the same order, with new score columns, `flags`, `status` and `parallel`.

    `rows` needs `id`, `language` and `text`; `text_en` and `back_translation` are used if present, and a translation
    without `text_en` is compared with the English row of its id. `label` may be a string or a ClassLabel integer. Extra
    columns are kept; dictionary-encoded texts become plain strings. Flags of the row's maker (rows.MAKER_FLAGS) stay
    and reject the row. Rows that a person edited stay `edited`, with what the checks found in `flags`.

    `config` is a QualityConfig or a dict of its keys (default: the built-in checks and bounds). `workers` is the number
    of processes, this one included. By default there is one more per 5,000 rows, up to the number of cores and at most
    8, and only this one with a semantic model, a judge or a program, which use all cores or another machine. The result
    does not depend on it.

    Raises ConfigError if `rows` is not such a table, an imported score is not on the scale of its bound, or the config
    has unknown keys, checks or languages; PluginError if a plugged-in check fails; EngineError if a worker process
    dies.
    """
    suite, rows = suite_of(config), _readable(rows)
    paired = with_english(rows)
    audited, scores = audit_rows(
        paired, suite, workers=workers_for(rows.num_rows, suite.config) if workers is None else workers
    )
    together = scores_together(suite, [audited], [scores])
    audited = schema.mark_parallel(mark_together(audited, together, suite.bounds))
    if paired is rows:
        return sealed(audited, suite, scores["inputs"].to_numpy())
    return sealed(as_given(audited, rows), suite)


def audit_rows(rows: pa.Table, config: Settings = None, *, workers: int = 1) -> tuple[pa.Table, pa.Table]:
    """`audit` as far as each row decides it alone, and its scores (score_table.py): without those that all rows decide
    together, and `parallel` as it was (null where missing).

    The result for a row does not depend on the others, so a table may be checked in shards.
    """
    if workers < 1:
        raise ConfigError(
            "workers is the number of processes that check rows, including this one: it must be at "
            f"least 1, not {workers}"
        )
    rows, suite = _readable(rows), suite_of(config)
    check_scales(rows, suite.config)
    scores = pa.concat_tables(map_batches(scorer(suite), score_batches(rows, suite), workers))
    return judged(rows, scores, suite.bounds), scores


def workers_for(rows: int, settings: QualityConfig) -> int:
    """How many processes this many rows are worth."""
    if settings.semantic_model or settings.judge or any(bound.command for bound in settings.scores.values()):
        return 1
    return min(cores(), _MOST_WORKERS, 1 + rows // _ROWS_A_WORKER)


def _readable(rows: pa.Table) -> pa.Table:
    """The rows as a table with string columns for texts. Raises ConfigError if that is impossible."""
    if isinstance(rows, pa.RecordBatch):
        rows = pa.Table.from_batches([rows])
    if not isinstance(rows, pa.Table):
        raise ConfigError(f"audit takes a pyarrow.Table of rows, not {type(rows).__name__}")
    missing = [name for name in _REQUIRED if name not in rows.column_names]
    if missing:
        raise ConfigError(f"the rows have no column {', '.join(missing)}: audit needs {', '.join(_REQUIRED)}")
    if twice := sorted({name for name in rows.column_names if rows.column_names.count(name) > 1}):
        raise ConfigError(f"the rows have two columns named {', '.join(twice)}: rename one")
    for place, field in enumerate(rows.schema):
        encoded = pa.types.is_dictionary(field.type) or pa.types.is_string_view(field.type)
        if encoded and field.name in _STRINGS:
            rows = rows.set_column(place, field.name, rows[place].cast(pa.string()))
        elif field.name in _TEXTS and not _holds_text(field.type):
            raise ConfigError(f"column {field.name} holds {field.type}, not text: convert it to strings")
    return rows


def _holds_text(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.large_string(), pa.null())
