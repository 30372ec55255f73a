"""The row schema: one row per (prompt, language), English included, and the ids that hold it together.

Tables are `pyarrow.Table`s in `SCHEMA`'s column order; extra columns (imported scores) may follow. Rows are never
dropped: what cannot be used stays as a row with status "rejected" and the reasons in `flags`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

HARMFUL, HARMLESS = "harmful", "harmless"
LABELS = (HARMFUL, HARMLESS)
EXPECTATIONS = {HARMFUL: "refuse", HARMLESS: "comply"}  # what a model should do: `expected` in the rows of a release
SPLITS = ("train", "validation", "test")
HUMAN, MACHINE = "human", "machine"  # among the origins: who translated the row
ORIGINS = ("original", MACHINE, HUMAN, "imported")
ACCEPTED, REJECTED, EDITED = "accepted", "rejected", "edited"
STATUSES = (ACCEPTED, REJECTED, EDITED)

# Flags set by whoever makes a row, before any check runs. Checks leave them alone; each rejects its row.
TRANSLATION_FAILED = "translation_failed"
UNMATCHED = "unmatched"  # an imported translation without an English prompt
UNPROVEN = (
    "unproven"  # its English is the prompt at its place, which could be shown to be neither its own nor another's
)
CONFLICT = "conflict"  # an imported translation of a prompt that another file translates otherwise; the first stands
REJECTED_BY_REVIEW = "rejected_by_review"  # a person called it bad
MAKER_FLAGS = (TRANSLATION_FAILED, UNMATCHED, UNPROVEN, CONFLICT, REJECTED_BY_REVIEW)

# What the maker of a row tells of it that is no reason against it. Checks leave these alone too.
# Characters that nobody sees, or what a model wrapped it in, were taken off the translation before it became a row.
NORMALISED = "normalised"
MAKER_NOTES = (NORMALISED,)

# The English prompts before translation (prompts.parquet).
PROMPT_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("category", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("license", pa.string(), nullable=False),
    ]
)

# One row per (prompt, language) (rows.parquet). A release writes `label` as a ClassLabel over LABELS.
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("language", pa.string()),
        pa.field("label", pa.string()),
        pa.field("split", pa.string()),
        pa.field("text", pa.string()),
        pa.field("text_en", pa.string()),
        pa.field("category", pa.string()),
        pa.field("source", pa.string()),
        pa.field("license", pa.string()),
        pa.field("origin", pa.string()),
        pa.field("translator", pa.string()),
        pa.field("attempts", pa.int32()),
        pa.field("back_translation", pa.string()),
        pa.field("back_translator", pa.string()),
        pa.field("chrf", pa.float32()),
        pa.field("bleu", pa.float32()),
        pa.field("language_confidence", pa.float32()),
        pa.field("length_ratio", pa.float32()),
        pa.field("copy_ratio", pa.float32()),
        pa.field("detected_language", pa.string()),
        pa.field("flags", pa.list_(pa.string())),
        pa.field("status", pa.string()),
        pa.field("parallel", pa.bool_()),
    ]
)
COLUMNS: tuple[str, ...] = tuple(SCHEMA.names)
SCORES: tuple[str, ...] = tuple(  # the scores that are columns too
    field.name for field in SCHEMA if pa.types.is_floating(field.type)
)

_DEFAULTS: dict[str, Any] = {
    "translator": "",
    "attempts": 0,
    "back_translator": "",
    "flags": [],
    "status": ACCEPTED,
    "parallel": False,
}


# What a row cannot be without; the other columns of SCHEMA may be missing in a table from elsewhere.
_KEYS = ("id", "language", "label", "split", "text", "text_en")


def conform(table: pa.Table) -> pa.Table:
    """A foreign table with SCHEMA's columns, in their types and order, followed by extra columns.

    Missing columns get their defaults, and `label` may be a class index; the schema's metadata stays. Raises ValueError
    naming the columns that are missing or cannot be converted.
    """
    missing = [name for name in _KEYS if name not in table.column_names]
    if missing:
        raise ValueError(f"no column {', '.join(missing)}")
    columns = {field.name: _column(table, field) for field in SCHEMA}
    extra = {name: table[name] for name in table.column_names if name not in columns}
    return pa.table({**columns, **extra}, metadata=table.schema.metadata)


def _column(table: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    if field.name not in table.column_names:
        return pa.chunked_array([pa.array([_DEFAULTS.get(field.name)] * table.num_rows, field.type)])
    column = table[field.name]
    try:
        if field.name == "label" and pa.types.is_integer(column.type):
            return pc.take(pa.chunked_array([LABELS]), column)
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, IndexError) as error:
        raise ValueError(f"column {field.name} is {column.type}, not {field.type} ({error})") from None


def slug(name: str) -> str:
    """Lower-case ASCII letters, digits and hyphens of a source name, e.g. `TDC 2023` -> `tdc-2023`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "prompts"


def nfc(text: str) -> str:
    """Text in Unicode normalization form C, in which prompts are compared."""
    return unicodedata.normalize("NFC", text)


def as_compared(text: str) -> str:
    """A text as it is looked up by: composed, without white space around it."""
    return nfc(text).strip()


def prompt_id(source: str, text_en: str) -> str:
    """The id of a prompt, stable for ever: source slug + first 10 hex digits of the sha256 of its NFC English text.

    Lone surrogates (broken input) are hashed as such instead of raising.
    """
    digest = hashlib.sha256(nfc(text_en).encode("utf-8", "surrogatepass"))
    return f"{slug(source)}-{digest.hexdigest()[:10]}"


def table_from_rows(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """A table with SCHEMA's columns from dicts; missing values get their defaults (null if there is none).

    `id` and `text_en` must be given by the caller.
    """
    records = [{name: row.get(name, _DEFAULTS.get(name)) for name in COLUMNS} for row in rows]
    return pa.Table.from_pylist(records, schema=SCHEMA)


def english_row(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """The English row of a prompt (a record of PROMPT_SCHEMA)."""
    return {**_provenance(prompt), "language": "en", "text": prompt["text"], "origin": "original"}


def translated_row(prompt: Mapping[str, Any], language: str, **fields: Any) -> dict[str, Any]:
    """The row of a prompt in `language`; `fields` are columns of SCHEMA (text, origin, translator, flags, ...)."""
    return {**_provenance(prompt), "language": language, **fields}


def _provenance(prompt: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": prompt["id"],
        "label": prompt["label"],
        "split": prompt["split"],
        "text_en": prompt["text"],
        "category": prompt["category"],
        "source": prompt["source"],
        "license": prompt["license"],
    }


def usable(table: pa.Table) -> pa.ChunkedArray:
    """Mask of the rows that a release may contain: accepted by the checks, or edited by a person."""
    return pc.is_in(table["status"], value_set=pa.array([ACCEPTED, EDITED]))


def in_every_language(
    table: pa.Table, kept: pa.Array | pa.ChunkedArray, n_languages: int | None = None
) -> pa.ChunkedArray:
    """Mask of the rows whose prompt is kept in every language that keeps any row; `kept` is a mask over the rows.

    `n_languages` is the number of those languages, if `table` contains only some of the prompts.
    """
    kept_rows = table.select(["id", "language"]).filter(kept)
    if n_languages is None:
        n_languages = len(pc.unique(kept_rows["language"]))
    counts = kept_rows.group_by("id").aggregate([("language", "count_distinct")])
    complete = counts.filter(pc.equal(counts["language_count_distinct"], n_languages))["id"]
    return pc.is_in(table["id"], value_set=complete.combine_chunks())


def mark_parallel(table: pa.Table, n_languages: int | None = None) -> pa.Table:
    """Set `parallel`: true if the row's prompt is usable in every language that has a usable row.

    `n_languages` is the number of those languages, if `table` contains only some of the prompts.
    """
    parallel = in_every_language(table, usable(table), n_languages)
    return table.set_column(table.schema.get_field_index("parallel"), SCHEMA.field("parallel"), parallel)


def sort_rows(table: pa.Table) -> pa.Table:
    """Rows in the order used in files: by (id, language)."""
    return table.sort_by([("id", "ascending"), ("language", "ascending")])
