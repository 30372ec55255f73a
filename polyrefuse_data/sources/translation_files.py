"""Existing translations in one file: a table or JSON (one record per translation) or TMX (one unit per prompt)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import SourceError
from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.languages.tags import language_of_tag
from polyrefuse_data.rows import LABELS, nfc, prompt_id, slug
from polyrefuse_data.sources.imported import FileReport, Imported, english_rows, imported_row, merged, unmatched_row
from polyrefuse_data.sources.prompts import FILE_NAME, SPLIT_NAMES, Prompt, dealt_split
from polyrefuse_data.sources.reading import AS_WE_DO, Reading, Record, read_bytes, read_records
from polyrefuse_data.sources.wide_tables import unfolded
from polyrefuse_data.text.printable import printable_line
from polyrefuse_data.text.tmx import Unit, read_units


@dataclass(frozen=True)
class _Defaults:
    """Defaults for records that lack a value."""

    label: str | None
    split: str | None
    license: str | None
    source: str


def read_translations(
    *paths: Path,
    language: str | None = None,
    label: str | None,
    split: str | None,
    license: str | None,
    reading: Reading = AS_WE_DO,
    source: str = "",
) -> Imported:
    """Read translations together with their English, from one file or from several of one dataset.

    Records of every format of `read_records`: `language`, `text`, `text_en` (or the `id` of an English record in the
    files), and optionally `label`, `split`, `category`, `source` (default: that argument, or the file's name),
    `license`, `translator`, `back_translation`, `back_translator`. `language`, `label`, `split` and `license` apply to
    records that have none. A table may have a column for each language instead (wide_tables.py). TMX units: an English
    variant and others; <prop type="label"> and the like correspond to columns. A translation without English is kept
    and flagged. Raises SourceError naming file, line and fix.
    """
    contents = {path: _records(path, reading, language) for path in paths}
    english = _english_by_id([record for records in contents.values() for record in records])
    result = Imported()
    for path, records in contents.items():
        named = FILE_NAME.match(path.name)
        defaults = _Defaults(
            label or (named["label"] if named else None),
            split or (named["split"] if named else None),
            license,
            source or slug(path.stem),
        )
        rows = [row for record in records if (row := _row(record, english, defaults, result)) is not None]
        result.rows += rows
        result.files += _reports(path, rows)
    result.rows = merged([*english_rows(result.prompts.values()), *result.rows])
    return result


def _records(path: Path, reading: Reading, language: str | None) -> list[Record]:
    """The records of a file, one per translation, each with its language."""
    if path.suffix.lower() == ".tmx":
        return _tmx(path)
    found = read_records(path, reading)
    records = unfolded(found) if language is None else [_in_language(record, language) for record in found]
    if not any("text" in record.fields for record in records):
        _language(records[0])
        raise SourceError(
            f"{path}: no record has a text: name the column of the translations, --columns text=COLUMN (the file has "
            f"{', '.join(found[0].fields)})"
        )
    return records


def _in_language(record: Record, language: str) -> Record:
    known = record.string("language")
    return record if known else Record(record.where, {**record.fields, "language": language})


def _english_by_id(records: Sequence[Record]) -> dict[str, Record]:
    """The English records by their ids. An id that a language has twice could pair a translation with another prompt,
    and one with two English texts is of two prompts."""
    first: dict[tuple[str, str], Record] = {}
    prompts: dict[str, tuple[str, Record]] = {}
    for record in records:
        identifier = record.string("id")
        if identifier is None:
            continue
        code = _language(record)
        known = first.setdefault((identifier, code), record)
        if known is not record:
            raise SourceError(
                f"{record.where}: the id {identifier!r} is already used in {code}, in {known.where}: give each "
                "prompt its own"
            )
        if text_en := (code == SOURCE_LANGUAGE and record.string("text")) or record.string("text_en"):
            english, known = prompts.setdefault(identifier, (text_en, record))
            if nfc(english) != nfc(text_en):
                raise SourceError(
                    f"{record.where}: the id {identifier!r} belongs to another English prompt in {known.where} "
                    f"({english[:40]!r}, here {text_en[:40]!r}): give each prompt its own"
                )
    return {identifier: record for (identifier, code), record in first.items() if code == SOURCE_LANGUAGE}


def _row(record: Record, english: dict[str, Record], defaults: _Defaults, result: Imported) -> dict[str, Any] | None:
    """The row of a record; None for an English one, which becomes a prompt of `result`."""
    code = _language(record)
    own_id = record.string("id")
    if code == SOURCE_LANGUAGE:
        _add_prompt(record, record.text(("text", "text_en")), defaults, result)
        return None
    fields = {
        name: value
        for name in ("translator", "back_translation", "back_translator")
        if (value := record.string(name)) is not None
    }
    fields.setdefault("translator", f"imported:{defaults.source}")
    text = record.string("text")
    text_en = record.string("text_en")
    said_by = record
    if text_en is None and own_id in english:
        said_by = english[own_id]
        text_en = said_by.text(("text", "text_en"))
    if text_en is None:
        return unmatched_row(_known(record, text or record.place, defaults), code, text, record.place, **fields)
    return imported_row(_add_prompt(said_by, text_en, defaults, result), code, text, **fields)


def _add_prompt(record: Record, text_en: str, defaults: _Defaults, result: Imported) -> Prompt:
    known = _known(record, text_en, defaults)
    prompt: Prompt = {
        "id": prompt_id(known["source"], text_en),
        "label": known["label"],
        "split": known["split"],
        "text": text_en,
        "category": known["category"],
        "source": known["source"],
        "license": known["license"],
    }
    other = result.prompts.setdefault(prompt["id"], prompt)
    if (other["label"], other["split"]) != (prompt["label"], prompt["split"]):
        raise SourceError(
            f"{record.where}: the same prompt is {prompt['label']} {prompt['split']} here and {other['label']} "
            f"{other['split']} elsewhere in the file: give all its records one label and split"
        )
    return other


def _known(record: Record, text: str, defaults: _Defaults) -> dict[str, Any]:
    label = (record.string("label") or defaults.label or "").lower()
    if label not in LABELS:
        raise SourceError(
            f"{record.where}: {f'unknown label {label!r}' if label else 'no label'}: give each record a label, "
            f"{' or '.join(LABELS)}, or import with --label; other words for them go into --labels"
        )
    source = record.string("source") or defaults.source
    split = record.string("split") or defaults.split or dealt_split(prompt_id(source, text))
    if split.lower() not in SPLIT_NAMES:
        raise SourceError(f"{record.where}: split {split!r} is unknown: write {', '.join(SPLIT_NAMES)}")
    return {
        "label": label,
        "split": SPLIT_NAMES[split.lower()],
        "category": record.word("category"),
        "source": source,
        "license": record.string("license") or defaults.license or "unknown",
    }


def _language(record: Record) -> str:
    tag = record.string("language")
    if tag is None:
        raise SourceError(
            f"{record.where}: no language: name the column that tells it, --columns language=COLUMN (the file has "
            f"{', '.join(record.fields)}), or, if all are in one, import with --language, e.g. de"
        )
    return _code(tag, record.where)


def _code(tag: str, where: str) -> str:
    if known := language_of_tag(tag):
        return known.code
    raise SourceError(f"{where}: unknown language {tag!r}: `polyrefuse languages --all` lists the codes")


def _tmx(path: Path) -> list[Record]:
    """One record per variant of each unit, English first; the unit's English is its `text_en`."""
    units = read_units(path, read_bytes(path))  # bytes: the file says its own encoding
    records = [record for number, unit in enumerate(units, start=1) for record in _unit(path, number, unit)]
    if not records:
        raise SourceError(f"{path}: no translation units: give a TMX file with at least one <tu>")
    return records


def _unit(path: Path, number: int, unit: Unit) -> Iterator[Record]:
    where = f"{path} unit {number}"
    variants: list[tuple[str, str]] = []
    for tag, segment in unit.variants:
        if tag is None or segment is None:
            raise SourceError(f"{where}: a <tuv> without xml:lang or <seg>: export the memory again as TMX 1.4")
        variants.append((_code(tag, where), segment.text))
    text_en = next((text for code, text in variants if code == SOURCE_LANGUAGE), None)
    for code, text in variants:
        yield Record(where, {**unit.props, "language": code, "text": text, "text_en": text_en})


def _reports(path: Path, rows: Sequence[dict[str, Any]]) -> list[FileReport]:
    reports = []
    for code in sorted({row["language"] for row in rows}):
        here = [row for row in rows if row["language"] == code]
        matched = sum(bool(row["text_en"]) for row in here)
        labels, splits = (",".join(sorted({row[name] for row in here})) for name in ("label", "split"))
        how = "English in the file" if matched == len(here) else "give these records text_en"
        reports.append(FileReport(printable_line(path.name), code, labels, splits, len(here), matched, how))
    return reports
