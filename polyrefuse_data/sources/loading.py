"""The English prompts of a build: reads every source of the config and combines them into one table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from polyrefuse_data import plugins
from polyrefuse_data.config import SourceConfig
from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.languages.tags import language_of_tag
from polyrefuse_data.rows import LABELS, prompt_id
from polyrefuse_data.sources.hub import hub_files
from polyrefuse_data.sources.prompts import (
    DEMO_SEEDS,
    FILE_NAME,
    SPLIT_NAMES,
    Prompt,
    dealt_split,
    prompt_table,
    reject_duplicates,
    spread,
    without_leaks,
)
from polyrefuse_data.sources.reading import Reading, Record, read_records
from polyrefuse_data.sources.registry import REGISTRY, load_public_set

_SHOWN_REPEATS = 5  # how many repeated prompts a message names
_MAP_LABELS = ', or say what it means, e.g. labels = { "unsafe" = "harmful", "safe" = "harmless" }'


def load_prompts(sources: Sequence[SourceConfig], limit: int | None = None) -> pa.Table:
    """The English prompts of `sources` as a table of rows.PROMPT_SCHEMA: unique ids, sorted by id.

    If two sources have a prompt in different splits, it stays only in the later one (test before validation before
    train), as in the reference pipeline, so that nothing trained on is tested on. `limit` keeps that many prompts in
    all, spread evenly over labels and splits.

    Raises ConfigError for a source that is unknown or lacks a label; SourceError for a file that cannot be used;
    MissingPrerequisite for a public set that is not cached while offline; PluginError for a plug-in that fails.
    """
    if not sources:
        raise ConfigError('sources: missing; add a [[sources]] table with name = "demo-seeds" or your own path')
    prompts: list[Prompt] = []
    for number, source in enumerate(sources):
        found = _load(source, f"sources.{number}")
        prompts.extend(spread(found, source.limit) if source.limit else found)
    prompts = without_leaks(prompts)
    reject_duplicates(prompts)
    return prompt_table(spread(prompts, limit) if limit else prompts)


def _load(source: SourceConfig, key: str) -> list[Prompt]:
    if source.path is not None:
        return file_prompts(source.path, source, key)
    if source.hub is not None and source.files is not None:
        paths = hub_files(source.hub, source.files, f"{key}.hub")
        return [prompt for path in paths for prompt in file_prompts(path, source, key)]
    if source.loader is not None:
        return _read(
            _plugged_records(plugins.load(plugins.PROMPT_SETS, source.loader, f"{key}.loader", ())), source, key
        )
    if source.name == DEMO_SEEDS:
        return demo_prompts()
    if source.name not in REGISTRY and (plugin := plugins.find(plugins.PROMPT_SETS, source.name)):
        return _read(_plugged_records(plugin), source, key)
    prompts = load_public_set(source, key)
    return [{**prompt, "license": source.license} for prompt in prompts] if source.license else prompts


def file_prompts(path: Path, source: SourceConfig, key: str) -> list[Prompt]:
    """The prompts of a local file. A record's own label, split, category and license take precedence over those of
    `source`, and these over the file's name (`harmful_val.json`).

    Prompts without a split are distributed 60/20/20 by id, so that a prompt keeps its split for ever.
    """
    name = FILE_NAME.match(path.name)
    columns = {str(name): theirs for name, theirs in source.columns.items()}
    reading = Reading(columns, source.labels, source.encoding)
    return _read(read_records(path, reading), source, key, name.groupdict() if name else {})


def _plugged_records(plugin: plugins.Plugin) -> Iterator[Record]:
    """The prompts of a plugged-in set, each as a record of a file."""
    with plugin.blamed():
        prompts = iter(plugin.value() if callable(plugin.value) else plugin.value)
    number = 0
    while True:
        with plugin.blamed():
            prompt = next(prompts, None)
            if prompt is None:
                break
            number += 1
            if not isinstance(prompt, Mapping):
                raise plugin.error(f"gave a {type(prompt).__name__}, not a Prompt, which is a dict with text and label")
            record = Record(f"plug-in {plugin.name}, prompt {number}", dict(prompt))
        yield record
    if not number:
        raise plugin.error("gave no prompts")


def _read(
    records: Iterable[Record], source: SourceConfig, key: str, named: Mapping[str, str | None] | None = None
) -> list[Prompt]:
    """Convert records to prompts of a source; `named` is what their file's name says."""
    named = named or {}
    prompts: list[Prompt] = []
    seen: dict[str, str] = {}
    ids: dict[str, str] = {}
    repeated: list[str] = []
    for record in records:
        text = record.text()
        _refuse_other_language(record)
        own = _own_id(record)
        if own and ids.setdefault(own, record.where) != record.where:
            raise SourceError(f"{record.where}: the id {own!r} is already used in {ids[own]}: give each prompt its own")
        identifier = prompt_id(source.name, text)
        if identifier in seen:
            repeated.append(f"{record.where}: the same prompt as {seen[identifier]}")
            continue
        seen[identifier] = record.where
        label = record.string("label") or source.label or named.get("label")
        if label is None:
            raise ConfigError(
                f'{key}.label: {record.where} has no label: set label = "harmful" for the source, '
                "or give the records a label"
            )
        split = record.string("split") or source.split or named.get("split")
        prompts.append(
            {
                "id": identifier,
                "label": _one_of(label, {label: label for label in LABELS}, "label", record),
                "split": _one_of(split, SPLIT_NAMES, "split", record) if split else dealt_split(identifier),
                "text": text,
                "category": record.word("category"),
                "source": source.name,
                "license": record.string("license") or source.license or "unknown",
            }
        )
    if repeated:  # all at once, so that a sheet needs to be mended once
        more = len(repeated) - _SHOWN_REPEATS
        told = "; ".join(repeated[:_SHOWN_REPEATS]) + (f"; and {more} more" if more > 0 else "")
        raise SourceError(f"{told}: remove one of {'the' if len(repeated) == 1 else 'each'} two")
    return prompts


def _own_id(record: Record) -> str:
    """The id that a record says, alike as number and as text; empty for none."""
    value = record.fields.get("id")
    if value is None or value != value:  # NaN
        return ""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()


def demo_prompts() -> list[Prompt]:
    """The bundled seed prompts, written for this project."""
    folder = Path(__file__).parent.parent / "demo" / "seeds"
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    texts = json.loads((folder / "en.json").read_text(encoding="utf-8"))["prompts"]
    return [
        {
            "id": prompt_id(DEMO_SEEDS, texts[seed]),
            "label": entry["label"],
            "split": entry["split"],
            "text": texts[seed],
            "category": entry["category"],
            "source": DEMO_SEEDS,
            "license": "Apache-2.0",
        }
        for seed, entry in index.items()
    ]


def _refuse_other_language(record: Record) -> None:
    tag = record.string("language")
    if tag is not None and (known := language_of_tag(tag)) and known.code != SOURCE_LANGUAGE:
        raise SourceError(
            f"{record.where}: this prompt is in {tag}, but sources hold English prompts: bring translations in with "
            "`polyrefuse import`"
        )


def _one_of(value: str, names: dict[str, str], what: str, record: Record) -> str:
    if value.lower() not in names:
        mend = f"use {', '.join(names)}{_MAP_LABELS if what == 'label' else ''}"
        raise SourceError(f"{record.where}: {what} {value!r} is unknown: {mend}")
    return names[value.lower()]
