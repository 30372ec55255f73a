"""JSON as records: lines of objects, or a list of them. A key that an object has twice is an error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from polyrefuse_data.errors import SourceError

Found = tuple[str, dict[str, Any]]  # where a record is, and its fields


def json_lines(where: str, text: str) -> Iterator[Found]:
    """The records of JSON lines."""
    # Not splitlines(): that also splits at U+2028 and others, which JSON strings may hold as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            place = f"{where}:{number}"
            yield place, _record(place, parse(place, line))


def json_list(where: str, text: str) -> Iterator[Found]:
    """The records of a JSON list; or of JSON lines, which `Dataset.to_json` writes whatever the file's name."""
    first, _, rest = text.strip().partition("\n")
    if first.startswith("{") and first.rstrip().endswith("}") and rest.startswith("{"):
        yield from json_lines(where, text)
        return
    items = parse(where, text)
    if not isinstance(items, list):
        raise SourceError(f"{where}: {kind(items)} at the top, not a list of records: {_mend(items)}")
    for number, item in enumerate(items, start=1):
        place = f"{where} item {number}"
        yield place, _record(place, item)


def parse(where: str, text: str) -> Any:
    """A JSON value. Raises SourceError naming line and column if it is broken, or the key that an object repeats."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for key, value in pairs:
            if key in fields:
                raise SourceError(
                    f"{where}: the key {key!r} appears twice in one record, with {_short(fields[key])} and "
                    f"{_short(value)}: remove one"
                )
            fields[key] = value
        return fields

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise SourceError(
            f"{where}: broken JSON at line {error.lineno}, column {error.colno}: {error.msg}"
            if "\n" in text
            else f"{where}: broken JSON at column {error.colno}: {error.msg}"
        ) from None
    except SourceError:
        raise
    except ValueError as error:  # a number of more digits than Python reads
        raise SourceError(f"{where}: {error}") from None
    except RecursionError:
        raise SourceError(f"{where}: the JSON is nested too deeply: write one record per prompt") from None


def _record(where: str, item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise SourceError(f'{where}: {kind(item)}, not a record: write {{"text": ...}}')
    return item


def kind(value: Any) -> str:
    """What a value is, for messages."""
    if value is None:
        return "null"
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a record"}
    return kinds.get(type(value), "a date" if hasattr(value, "isoformat") else type(value).__name__)


def _mend(items: Any) -> str:
    lists = [key for key, value in items.items() if isinstance(value, list)] if isinstance(items, dict) else []
    return f"give the list in {lists[0]!r} alone" if len(lists) == 1 else "wrap the records in [ ]"


def _short(value: Any) -> str:
    return repr(value)[:40]
