"""Replies that somebody else generated: JSONL, JSON, CSV and Parquet files, and logs of Inspect (.eval, .json)."""

from __future__ import annotations

import io
import json
import logging
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyrefuse_data.benchmark.endings import reply_and_ending
from polyrefuse_data.benchmark.store import EMPTY, FILTERED, LENGTH, STOP
from polyrefuse_data.endpoints.completions import read_completion
from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.models.reasoning import strip_reasoning
from polyrefuse_data.sources.reading import parse_json, read_bytes, read_records
from polyrefuse_data.sources.tables import parquet_records
from polyrefuse_data.system.input_files import WHOLE_FILE_BYTES
from polyrefuse_data.text.counts import counted

_logger = logging.getLogger(__name__)

# Column names that files use, in any case, most common first. `--field reply=COLUMN` names another.
FIELDS = {
    "id": ("id", "prompt_id", "sample_id"),
    "language": ("language", "lang", "locale", "target_language"),
    "prompt": ("prompt", "instruction", "text", "input", "question", "goal"),
    "reply": ("reply", "response", "completion", "output", "answer", "generation"),
}
_STOP_REASONS = {"stop": STOP, "max_tokens": LENGTH, "model_length": LENGTH, "content_filter": FILTERED}  # of Inspect
_ROLES = {"prompt": "user", "reply": "assistant"}  # whose message it is, where a field holds a conversation


@dataclass(frozen=True)
class GivenReply:
    """One reply, where it stands, and what is said of the prompt that it answers."""

    where: str
    reply: str
    id: str | None = None
    language: str | None = None
    prompt: str | None = None
    ended: str | None = None  # how (store.py), where the file says it


def read_replies(path: Path, fields: Mapping[str, str] | None = None) -> list[GivenReply]:
    """The replies of a file. `fields` names its columns where they are called otherwise than FIELDS knows.

    Raises SourceError naming the file and what of it cannot be read, ConfigError for a field that there is not.
    """
    if unknown := sorted(set(fields or ()) - set(FIELDS)):
        raise ConfigError(f"unknown field {unknown[0]!r}: name the columns of {', '.join(FIELDS)}")
    given = _replies(path, FIELDS | {name: (column,) for name, column in (fields or {}).items()})
    if not given:
        raise SourceError(f"{path}: no replies: give a file with at least one")
    return given


def _replies(path: Path, names: Mapping[str, Sequence[str]]) -> list[GivenReply]:
    if path.suffix.lower() == ".eval":
        return list(_of_inspect(str(path), _samples_in_zip(path)))
    if path.suffix.lower() == ".json" and isinstance(log := parse_json(path), dict):
        if not isinstance(log.get("samples"), list):
            raise SourceError(f"{path}: neither an Inspect log with samples nor a list of replies")
        return list(_of_inspect(str(path), log["samples"]))
    if path.suffix.lower() == ".parquet":
        found: Sequence[tuple[str, Mapping[str, Any]]] = list(parquet_records(path))
    else:
        found = [(record.where, record.fields) for record in read_records(path)]
    given = [_given(where, record, names) for where, record in found]
    if given and not any(reply.id or reply.prompt for reply in given):
        raise SourceError(
            f"{path}: nothing says which prompts these replies answer (there are {', '.join(found[0][1])}): call the "
            f"field {' or '.join(FIELDS['prompt'])}, or name it with --field prompt=COLUMN or --field id=COLUMN"
        )
    return given


def _named(record: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> Mapping[str, Any]:
    """The record with the columns that are known by another case (`Response`) under their names too."""
    lower = {column.strip().lower(): column for column in record}
    found = {name: record[lower[name]] for known in names.values() for name in known if name in lower}
    return {**found, **record}


def _given(where: str, record: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> GivenReply:
    named = _named(record, names)
    values = {name: _first(named, names[name]) for name in names}
    told = {name: _text(values[name], _ROLES.get(name), f"{where}: {name}") for name in names if name != "reply"}
    if (answer := _of_api(record)) is not None and names["reply"] == FIELDS["reply"]:
        reply, ended = answer
        return GivenReply(where, reply, ended=ended, **told)
    if values["reply"] is None and not any(column in named for column in names["reply"]):
        raise SourceError(
            f"{where}: no reply here, only {', '.join(record) or 'an empty record'}: call the field "
            f"{' or '.join(FIELDS['reply'])}, or name it with --field reply=COLUMN (of nested ones, reply=COLUMN.KEY)"
        )
    reply = _text(values["reply"], _ROLES["reply"], f"{where}: reply") or ""
    return GivenReply(where, strip_reasoning(reply), **told)


def _first(record: Mapping[str, Any], columns: Sequence[str]) -> Any:
    """The value of the first of these columns that there is. `doc.id` is a key within a column, `resps.0` an item."""
    for column in columns:
        if column in record:
            return record[column]
        value: Any = record
        for key in column.split("."):
            if isinstance(value, Mapping) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                break
        else:
            return value
    return None


def _of_api(record: Mapping[str, Any]) -> tuple[str, str] | None:
    """The reply in a record that is a chat completion, or a line of a Batch API's answers; None in others."""
    response = record.get("response")
    body = response.get("body") if isinstance(response, dict) else record
    if not isinstance(body, dict) or not isinstance(body.get("choices"), list):
        return None
    return reply_and_ending(read_completion(body, may_be_cut=True)) or ("", EMPTY)


def _of_inspect(where: str, samples: Sequence[Any]) -> Iterator[GivenReply]:
    """The replies of the samples of a log: the model's output, language and prompt id where the metadata has them."""
    later = failed = 0
    for number, sample in enumerate(samples, start=1):
        if not isinstance(sample, dict):
            raise SourceError(f"{where} sample {number}: not a sample of an Inspect log")
        if sample.get("epoch", 1) != 1:
            later += 1
            continue
        metadata = sample.get("metadata") or {}
        output = sample.get("output") or {}
        choices = output.get("choices") or [{}]
        if sample.get("error") and not output.get("choices"):
            failed += 1
            continue
        said = (choices[0].get("message") or {}).get("content")
        at = f"{where} sample {number}"
        yield GivenReply(
            at,
            strip_reasoning(_text(said, None, at) or ""),
            id=_text(metadata.get("id", sample.get("id")), None, at),
            language=_text(next((metadata[name] for name in FIELDS["language"] if name in metadata), None), None, at),
            prompt=_text(sample.get("input"), "user", at),
            ended=_STOP_REASONS.get(str(choices[0].get("stop_reason"))),
        )
    if failed:
        _logger.warning("%s: no reply in %s, which ended in an error", where, counted(failed, "sample"))
    if later:
        _logger.warning("%s: left out %s of later epochs; the first is judged", where, counted(later, "sample"))


def _samples_in_zip(path: Path) -> list[Any]:
    """The samples of an .eval log, which is a zip of one JSON file each."""
    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(path))) as archive:
            members = [member for member in archive.infolist() if member.filename.startswith("samples/")]
            if sum(member.file_size for member in members) > WHOLE_FILE_BYTES:
                raise SourceError(f"{path}: its samples are larger than {WHOLE_FILE_BYTES >> 30} GiB: split the log")
            return [json.loads(archive.read(member)) for member in members if member.filename.endswith(".json")]
    except (zipfile.BadZipFile, NotImplementedError, ValueError, RecursionError, EOFError) as error:
        raise SourceError(
            f"{path}: cannot be read as a log of Inspect ({error}): `inspect log convert --to json` makes one that can"
        ) from error


def _text(value: Any, role: str | None, where: str) -> str | None:
    """A text, a number as one, the text of parts, or the last message of a role. Raises SourceError else, and for
    several texts, which are several replies."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list):
        if role is not None and all(isinstance(item, dict) and "role" in item for item in value):
            said = [item.get("content") for item in value if item["role"] == role]
            return _text(said[-1], None, where) if said else None
        if len(value) > 1 and all(isinstance(item, str) for item in value):
            raise SourceError(
                f"{where} is a list of {len(value)} texts: keep one, or name it with --field reply=COLUMN.0"
            )
        if all(isinstance(item, str | dict) for item in value):
            texts = [item if isinstance(item, str) else item.get("text") for item in value]
            return "".join(text for text in texts if isinstance(text, str))
    hint = f": name its part with --field, as COLUMN.{next(iter(value))}" if isinstance(value, dict) and value else ""
    raise SourceError(f"{where} is a {type(value).__name__}, not text{hint}")
