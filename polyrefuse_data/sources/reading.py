"""Reads prompt and translation files (JSONL, CSV, JSON lists) as records that know their position."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import SourceError
from polyrefuse_data.system.input_files import read_input, reason

# What files call the prompt: ours, the reference pipeline's (and upstream PolyRefuse's), and the commonest other name.
TEXT_FIELDS = ("text", "instruction", "prompt")

_CSV_FIELD_LIMIT = 10_000_000  # csv's own 131,072 characters would refuse a long prompt


@dataclass(frozen=True)
class Record:
    """One object of a file: its fields, and its position `where` (`prompts.jsonl:12`, `prompts.json item 3`)."""

    where: str
    fields: Mapping[str, Any]

    @property
    def place(self) -> str:
        """`where` without folders, i.e. the same on every machine."""
        return Path(self.where).name

    def string(self, name: str) -> str | None:
        """A field as a string; None if it is missing, null or blank.

        Raises SourceError for another type, and for a lone surrogate, which UTF-8 cannot represent.
        """
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise SourceError(f"{self.where}: {name} is {_kind(value)}, not text: put it in quotes, or omit it")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise SourceError(
                f"{self.where}: {name} contains half a character (a lone surrogate, U+{ord(value[error.start]):04X}, "
                f"at character {error.start + 1}): write the whole character"
            ) from None
        return value.strip() or None

    def text(self, names: tuple[str, ...] = TEXT_FIELDS) -> str:
        """The first of the fields `names` that the record has. Raises SourceError if it is missing or empty."""
        for name in names:
            if name in self.fields:
                text = self.string(name)
                if text is None:
                    raise SourceError(f"{self.where}: {name} is empty: write the prompt, or remove the record")
                return text
        raise SourceError(
            f"{self.where}: no prompt, only {', '.join(self.fields) or 'an empty record'}: "
            f"name the field {' or '.join(names)}"
        )


def read_records(path: Path) -> list[Record]:
    """Read a whole JSONL, CSV or JSON file (a list of objects).

    Raises SourceError naming the file and line if it is missing, broken, empty or of another kind.
    """
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv, ".json": _json}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SourceError(
            f"{path}: cannot read {path.suffix or 'a file without an extension'}: give .jsonl, .csv or .json"
        )
    records = list(reader(path, read_text(path)))
    if not records:
        raise SourceError(f"{path}: no records: give a file with at least one prompt")
    return records


def read_text(path: Path) -> str:
    """A UTF-8 file (with or without a byte-order mark) as text. Raises SourceError naming the file and the fix."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 (byte {error.start + 1}): save the file as UTF-8") from None


def read_bytes(path: Path) -> bytes:
    """A whole file as bytes. Raises SourceError if it is missing or unreadable."""
    try:
        return read_input(path)
    except FileNotFoundError:
        raise SourceError(f"{path} is not there: check the path") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({reason(error)})") from error
    except ValueError as error:  # a null character in the path
        raise SourceError(f"{path}: cannot be read ({error})") from error


def parse_json(path: Path) -> Any:
    """Parse a JSON file. Raises SourceError naming the file, line and column if it is broken."""
    return _parse(str(path), read_text(path))


def _jsonl(path: Path, text: str) -> Iterator[Record]:
    # Not splitlines(): that also splits at U+2028 and others, which JSON strings may hold as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{path}:{number}"
            yield _record(where, _parse(where, line))


def _csv(path: Path, text: str) -> Iterator[Record]:
    csv.field_size_limit(_CSV_FIELD_LIMIT)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for fields in reader:
            where = f"{path}:{reader.line_num}"
            if None in fields:
                raise SourceError(f"{where}: more fields than the header: put text with commas in quotes")
            yield Record(where, fields)
    except csv.Error as error:
        raise SourceError(f"{path}:{reader.reader.line_num}: broken CSV ({error}): fix the quotes") from None


def _json(path: Path, text: str) -> Iterator[Record]:
    items = _parse(str(path), text)
    if not isinstance(items, list):
        raise SourceError(f"{path}: {_kind(items)} at the top, not a list of records: wrap the records in [ ]")
    for number, item in enumerate(items, start=1):
        yield _record(f"{path} item {number}", item)


def _parse(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise SourceError(
            f"{where}: broken JSON at line {error.lineno}, column {error.colno}: {error.msg}"
            if "\n" in text
            else f"{where}: broken JSON at column {error.colno}: {error.msg}"
        ) from None
    except ValueError as error:  # a number of more digits than Python reads
        raise SourceError(f"{where}: {error}") from None
    except RecursionError:
        raise SourceError(f"{where}: JSON nested too deeply to be prompts") from None


def _record(where: str, item: Any) -> Record:
    if not isinstance(item, dict):
        raise SourceError(f'{where}: {_kind(item)}, not a record: write {{"text": ...}}')
    return Record(where, item)


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a record"}
    return kinds.get(type(value), "null")
