"""Translation memories: exact matches of TMX 1.4, TSV and JSONL files, written by people."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import SourceError
from polyrefuse_data.languages.tags import language_of_tag
from polyrefuse_data.system.input_files import read_input, reason
from polyrefuse_data.text.tmx import read_units
from polyrefuse_data.translation.base import NO_MATCH, Failure, Pair, Request, Result, Translation

# One unit of a memory: the same sentence by code of our languages; others are left out.
Unit = dict[str, str]


class TranslationMemory:
    """Exact matches (after NFC and stripping white space) in memory files, in any direction between their languages.

    Files: TMX 1.4; TSV with a header of language tags; JSONL with one object of language tags per line. If two units
    share a source text, the first one in the first file wins; if a unit has a language twice (de-DE and de-AT), the
    first text does.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        self._by_pair: dict[Pair, dict[str, str]] = {}

    @property
    def name(self) -> str:
        return f"memory:{'+'.join(path.name for path in self.paths)}"

    @cached_property
    def settings(self) -> dict[str, Any]:
        digests = [hashlib.sha256(_read_bytes(path)).hexdigest() for path in self.paths]
        return {"engine": "memory", "sha256": digests}

    @property
    def units(self) -> None:
        return None

    def prepare(self, pairs: Iterable[Pair]) -> None:
        _ = self._units  # reads every file: a broken one is an error now, not at the first row

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        return [list(range(len(requests)))] if requests else []

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        for number, batch in enumerate(batches):
            results: list[Result] = []
            for request in batch:
                text = self._matches(Pair(request.source, request.target)).get(_key(request.text))
                results.append(Failure(NO_MATCH) if text is None else Translation(text, origin="human"))
            yield number, results

    def close(self) -> None:
        """Nothing to do."""

    @cached_property
    def _units(self) -> list[Unit]:
        return [unit for path in self.paths for unit in read_memory(path)]

    def _matches(self, pair: Pair) -> dict[str, str]:
        """Targets by source text, prepared when a direction is first requested."""
        if pair not in self._by_pair:
            matches = self._by_pair[pair] = {}
            for unit in self._units:
                source, target = unit.get(pair.source.code), unit.get(pair.target.code)
                if source and target:
                    matches.setdefault(_key(source), target)
        return self._by_pair[pair]


def read_memory(path: Path) -> list[Unit]:
    """Read the units of a memory file by its suffix (.tmx, .tsv, .jsonl). Raises SourceError naming file and line."""
    readers = {".tmx": _read_tmx, ".tsv": _read_tsv, ".jsonl": _read_jsonl}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SourceError(f"{path}: a translation memory must be one of {', '.join(readers)}")
    return reader(path)


def _read_tmx(path: Path) -> list[Unit]:
    return [_unit(unit.variants) for unit in read_units(path, _read_bytes(path))]


def _read_tsv(path: Path) -> list[Unit]:
    lines = [line.removesuffix("\r").split("\t") for line in _read_text(path).split("\n")]
    header = lines[0]
    if len({language_of_tag(tag) for tag in header} - {None}) < 2:
        raise SourceError(f"{path}: line 1 must name the languages of the columns, e.g. en<TAB>de")
    units = []
    for number, fields in enumerate(lines[1:], start=2):
        if fields == [""]:
            continue
        if len(fields) != len(header):
            raise SourceError(f"{path}: line {number} has {len(fields)} columns, but the header has {len(header)}")
        units.append(_unit(zip(header, fields, strict=True)))
    return units


def _read_jsonl(path: Path) -> list[Unit]:
    units = []
    for number, line in enumerate(_read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{path}: line {number} is not JSON ({error})") from error
        if not isinstance(record, dict):
            raise SourceError(f'{path}: line {number} must be an object of texts by language, e.g. {{"en": "…"}}')
        units.append(_unit(record.items()))
    return units


def _unit(variants: Iterable[tuple[str | None, object]]) -> Unit:
    """The first text of each language, of (language tag, text)."""
    unit: Unit = {}
    for tag, text in variants:
        language = language_of_tag(tag) if tag else None
        if language and isinstance(text, str) and text.strip():
            unit.setdefault(language.code, text)
    return unit


def _key(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _read_bytes(path: Path) -> bytes:
    try:
        return read_input(path)
    except OSError as error:
        raise SourceError(f"{path}: cannot read this translation memory ({reason(error)})") from error


def _read_text(path: Path) -> str:
    try:
        return _read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 ({error}); save it as UTF-8") from error
