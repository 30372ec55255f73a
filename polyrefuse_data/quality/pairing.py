"""Adds missing English texts to translations, from the English row of the same prompt."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.languages import SOURCE_LANGUAGE, language

_ENGLISH = (SOURCE_LANGUAGE, language(SOURCE_LANGUAGE).flores)


def with_english(rows: pa.Table) -> pa.Table:
    """The rows with `text_en` filled in from the English row of the same id; the same table if nothing can be filled
    in.

    If an id has two English rows, the first counts.
    """
    given = rows["text_en"].cast(pa.string()) if "text_en" in rows.column_names else pa.nulls(len(rows), pa.string())
    missing = pc.equal(pc.fill_null(pc.binary_length(given), 0), 0)
    is_english = pc.fill_null(pc.is_in(rows["language"].cast(pa.string()), pa.array(_ENGLISH)), False)
    english = rows.select(["id", "text"]).filter(is_english)
    if not english.num_rows or not pc.any(missing).as_py():
        return rows
    places = pc.index_in(rows["id"], value_set=english["id"].combine_chunks(), skip_nulls=True)
    if not pc.any(pc.and_(missing, pc.is_valid(places))).as_py():
        return rows
    text_en = pc.if_else(missing, pc.take(english["text"].cast(pa.string()), places), given)
    if "text_en" in rows.column_names:
        return rows.set_column(rows.column_names.index("text_en"), "text_en", text_en)
    return rows.append_column("text_en", text_en)


def as_given(audited: pa.Table, rows: pa.Table) -> pa.Table:
    """Audited rows with `text_en` as in `rows`, or without it if they had no such column."""
    if "text_en" in rows.column_names:
        return audited.set_column(audited.column_names.index("text_en"), "text_en", rows["text_en"])
    return audited.drop_columns("text_en")
