"""The public prompt sets that a config can name, and how their files are read."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from polyrefuse_data.config import SourceConfig
from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.rows import prompt_id
from polyrefuse_data.sources.fetch import fetch
from polyrefuse_data.sources.hub import hub_files
from polyrefuse_data.sources.prompts import DEMO_SEEDS, Prompt, dealt_split
from polyrefuse_data.sources.public_set import PublicFile, PublicSet
from polyrefuse_data.sources.reading import Record, parse_json, read_bytes, read_records, read_text
from polyrefuse_data.sources.reference_sets import REFERENCE_SETS
from polyrefuse_data.sources.safety_sets import SAFETY_SETS
from polyrefuse_data.sources.tables import headless_records
from polyrefuse_data.text.counts import counted

_logger = logging.getLogger(__name__)

REGISTRY: dict[str, PublicSet] = {public.name: public for public in (*REFERENCE_SETS, *SAFETY_SETS)}


def load_public_set(source: SourceConfig, key: str = "sources") -> list[Prompt]:
    """The prompts of a registry entry, from the cache or the network, without duplicates.

    Raises ConfigError naming `key` for an unknown name, or a revision that is missing or out of place;
    MissingPrerequisite and SourceError as `fetch` and `hub_files` do.
    """
    public = _public_set(source, key)
    prompts: dict[str, Prompt] = {}
    read = 0
    for file, record in _kept(public, source, key):
        prompt = _prompt(public, file, record)
        read += 1
        prompts.setdefault(prompt["id"], prompt)
    if len(prompts) < read:
        _logger.warning("%s: left out %s", public.name, counted(read - len(prompts), "duplicate prompt"))
    return list(prompts.values())


def human_translations(source: SourceConfig, key: str = "sources") -> list[dict[str, str]]:
    """The translations that people made of a registry entry's prompts: for each prompt its texts by language, English
    included. Empty for sets without any. Raises what `load_public_set` raises."""
    known = REGISTRY.get(source.name)
    if known is None or source.path or source.hub or source.loader or not known.translated_into:
        return []
    public = _public_set(source, key)
    units = []
    for file, record in _kept(public, source, key):
        texts = {code: text for code, column in file.translations.items() if (text := record.string(column))}
        if texts:
            units.append({SOURCE_LANGUAGE: record.text((file.text,)), **texts})
    return units


def _public_set(source: SourceConfig, key: str) -> PublicSet:
    public = REGISTRY.get(source.name)
    if public is None:
        raise ConfigError(
            f"{key}.name: {source.name!r} is not a public set: use {', '.join([DEMO_SEEDS, *REGISTRY])}, or give a path"
        )
    if public.revision and source.revision:
        raise ConfigError(f"{key}.revision: {source.name} is pinned to {public.revision}: omit it")
    if not public.revision and not source.revision:
        raise ConfigError(
            f"{key}.revision: {source.name} is not pinned, because no project has published a commit of it: choose one "
            f'at {public.address}/commits/main and write revision = "<commit>"'
        )
    return public


def _kept(public: PublicSet, source: SourceConfig, key: str) -> Iterator[tuple[PublicFile, Record]]:
    for file in public.files:
        for path in _paths(public, file, source, key):
            for record in _records(path, file.headings):
                if file.keep(record.fields):
                    yield file, record


def _paths(public: PublicSet, file: PublicFile, source: SourceConfig, key: str) -> Sequence[Path]:
    if public.hub is None:
        return [fetch(file.url, file.sha256)]
    return hub_files(f"{public.hub}@{public.revision or source.revision}", source.files or file.url, f"{key}.revision")


def _prompt(public: PublicSet, file: PublicFile, record: Record) -> Prompt:
    text = record.text((file.text,))
    identifier = prompt_id(public.name, text)
    return {
        "id": identifier,
        "label": _label(file, record),
        "split": file.split or dealt_split(identifier),
        "text": text,
        "category": _category(file, record),
        "source": public.name,
        "license": public.license,
    }


def _category(file: PublicFile, record: Record) -> str | None:
    """The category, and after it the level of harm where the set has one, as breakdowns read it: `fraud, level 2`."""
    category = record.word(file.category) if file.category else None
    level = record.word(file.level) if file.level else None
    return ", ".join(filter(None, (category, level and f"level {level}"))) or None


def _label(file: PublicFile, record: Record) -> str:
    if file.labels is None:
        return file.label
    column, names = file.labels
    value = record.word(column) or ""
    if value not in names:
        raise SourceError(f"{record.where}: {column} {value!r} is not one of {', '.join(names)}: the file has changed")
    return names[value]


def _records(path: Path, headings: Sequence[str]) -> list[Record]:
    """The records of a fetched file. Besides the formats of local files: text lines, CSV without a heading, and lists
    of strings."""
    if headings:
        return [Record(*found) for found in headless_records(str(path), read_bytes(path), headings)]
    if path.suffix == ".txt":
        lines = read_text(path).splitlines()
        return [Record(f"{path}:{row}", {"text": line}) for row, line in enumerate(lines, 1) if line.strip()]
    if path.suffix == ".json" and _is_list_of_text(items := parse_json(path)):
        return [Record(f"{path} item {row}", {"text": item}) for row, item in enumerate(items, 1)]
    return read_records(path)


def _is_list_of_text(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, str) for item in items)


def describe_sources() -> list[dict[str, str]]:
    """The table of `polyrefuse sources`: every source that a config may name, with revision, licence, use, and the
    languages into which people have translated it."""
    bundled = {
        "name": DEMO_SEEDS,
        "title": "Bundled seed prompts",
        "revision": "",
        "license": "Apache-2.0",
        "use": "harmful and harmless, all splits; offline",
        "human": "",
    }
    return [bundled] + [
        {
            "name": public.name,
            "title": public.title,
            "revision": public.revision or "yours to name",
            "license": public.license,
            "use": public.use,
            "human": ",".join(public.translated_into),
        }
        for public in REGISTRY.values()
    ]
