"""Tables with a column for each language, as translators and spreadsheets keep them: one record per translation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from polyrefuse_data.errors import SourceError
from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.languages.tags import language_of_tag
from polyrefuse_data.rows import COLUMNS
from polyrefuse_data.sources.reading import Record

# A code with script or region and no more, or a name: `is_toxic` and `no_answer` begin like codes and are none.
_CODE = re.compile(r"[a-z]{2,3}(?:[-_][a-z]{4})?(?:[-_](?:[a-z]{2}|\d{3}))?", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_]{4,}(?: .+)?")
_LONG = frozenset({"language", "text"})  # a file with one of these has one record per translation
_OF_ONE_TEXT = ("back_translation", "back_translator")


def unfolded(records: Sequence[Record]) -> list[Record]:
    """The records of a file: as they are, or, if English and another language are columns of it, one for each of its
    texts. An empty cell becomes a record without text; one of English leaves the translations without their prompt.

    Raises SourceError for two columns of one language, and for a back-translation that could belong to several.
    """
    names = list(dict.fromkeys(name for record in records for name in record.fields))
    if _LONG & set(names):
        return list(records)
    columns = _columns_by_language(records[0].where, names)
    if SOURCE_LANGUAGE not in columns or len(columns) < 2:
        return list(records)
    for name in _OF_ONE_TEXT:
        if name in names and len(columns) > 2:
            raise SourceError(
                f"{records[0].where}: {name} could belong to any of {', '.join(columns.values())}: "
                "give a file with one record per translation"
            )
    return [one for record in records for one in _of_each_language(record, columns)]


def _columns_by_language(where: str, names: Sequence[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for name in names:
        stripped = name.strip()
        # our own columns mean what they mean with us: `id` is also Indonesian
        if stripped in COLUMNS or not (_CODE.fullmatch(stripped) or _NAME.fullmatch(stripped)):
            continue
        if known := language_of_tag(stripped):
            other = columns.setdefault(known.code, name)
            if other != name:
                raise SourceError(f"{where}: the columns {other} and {name} are both {known.name}: remove one")
    return columns


def _of_each_language(record: Record, columns: Mapping[str, str]) -> list[Record]:
    shared = {name: value for name, value in record.fields.items() if name not in columns.values()}
    text_en = record.fields.get(columns[SOURCE_LANGUAGE])
    has_english = Record(record.where, {"text_en": text_en}).string("text_en") is not None
    return [
        Record(record.where, {**shared, "language": code, "text": record.fields.get(name), "text_en": text_en})
        for code, name in columns.items()
        if has_english or code != SOURCE_LANGUAGE
    ]
