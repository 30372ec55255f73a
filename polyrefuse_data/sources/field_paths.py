"""Fields inside fields: `prompt.text`, `turns.0`, and `messages.*.content`, the turn of the user in a chat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from polyrefuse_data.errors import SourceError

_EACH = "*"
_SPEAKER = ("role", "from")  # what chat formats call the field with the speaker
_USER = frozenset({"user", "human"})


def values_at(fields: Mapping[str, Any], path: str) -> list[Any]:
    """What a record has at a name or path. `*` takes every item of a list, and of the turns of a chat the user's."""
    if path in fields:
        return [fields[path]]
    values: list[Any] = [fields]
    for part in path.split("."):
        values = [inner for value in values for inner in _inside(value, part)]
    return values


def value_at(where: str, fields: Mapping[str, Any], path: str) -> Any:
    """The one value at a name or path, None if there is none. Raises SourceError if there are several."""
    values = values_at(fields, path)
    if len(values) > 1:
        raise SourceError(
            f"{where}: {path} has {len(values)} values, but a prompt is one: choose one, e.g. "
            f"{path.replace(_EACH, '0', 1)}, or remove conversations with several turns"
        )
    return values[0] if values else None


def _inside(value: Any, part: str) -> Iterator[Any]:
    if isinstance(value, Mapping):
        if part in value:
            yield value[part]
    elif isinstance(value, (list, tuple)):
        if part == _EACH:
            yield from _turns(value)
        elif part.isdecimal() and int(part) < len(value):
            yield value[int(part)]


def _turns(items: Sequence[Any]) -> list[Any]:
    speakers = [_speaker(item) for item in items]
    if any(speakers):
        return [item for item, speaker in zip(items, speakers, strict=True) if speaker in _USER]
    return list(items)


def _speaker(item: Any) -> str | None:
    said = next((item[name] for name in _SPEAKER if name in item), None) if isinstance(item, Mapping) else None
    return said.lower() if isinstance(said, str) else None
