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
from polyrefuse_data.languages import LANGUAGES, Language
from polyrefuse_data.tmx import read_units, texts_by_tag
from polyrefuse_data.translation.base import NO_MATCH, Failure, Pair, Request, Result, Translation

# One unit of a memory: the same sentence by language code.
Unit = dict[str, str]


class TranslationMemory:
    """Exact matches (after NFC and outer white space) of memory files, in any direction between their languages.

    Files: TMX 1.4; TSV with a header of language codes; JSONL with one object of language codes a line. Where two units
    share a source text, the first one of the first file wins.
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
        assert self._units is not None  # reads every file; a broken one is an error now, not at the first row

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
        """Nothing is held open."""

    @cached_property
    def _units(self) -> list[Unit]:
        return [unit for path in self.paths for unit in read_memory(path)]

    def _matches(self, pair: Pair) -> dict[str, str]:
        """Targets by source text, made when a direction is first asked for."""
        if pair not in self._by_pair:
            matches = self._by_pair[pair] = {}
            for unit in self._units:
                source, target = _text(unit, pair.source), _text(unit, pair.target)
                if source and target:
                    matches.setdefault(_key(source), target)
        return self._by_pair[pair]


def read_memory(path: Path) -> list[Unit]:
    """The units of a memory file by its suffix (.tmx, .tsv, .jsonl). Raises SourceError naming file and line."""
    readers = {".tmx": _read_tmx, ".tsv": _read_tsv, ".jsonl": _read_jsonl}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SourceError(f"{path}: a translation memory is one of {', '.join(readers)}")
    return reader(path)


def _read_tmx(path: Path) -> list[Unit]:
    units = texts_by_tag(read_units(path, _read_bytes(path)))
    return [{_language_code(tag): text for tag, text in unit.items()} for unit in units]


def _read_tsv(path: Path) -> list[Unit]:
    lines = [line.removesuffix("\r").split("\t") for line in _read_text(path).split("\n")]
    header = [_language_code(code) for code in lines[0]]
    if len(header) < 2:
        raise SourceError(f"{path}: line 1 must name the languages of the columns, e.g. en<TAB>de")
    units = []
    for number, fields in enumerate(lines[1:], start=2):
        if fields == [""]:
            continue
        if len(fields) != len(header):
            raise SourceError(f"{path}: line {number} has {len(fields)} columns, the header has {len(header)}")
        units.append(dict(zip(header, fields, strict=True)))
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
        units.append({_language_code(code): text for code, text in record.items() if isinstance(text, str)})
    return units


def _language_code(code: str) -> str:
    """`EN-us` -> `en`, `deu_Latn` -> `de`: the codes of `languages.py` where it knows the language."""
    for known in LANGUAGES.values():
        if code == known.flores:
            return known.code
    primary = code.replace("_", "-").split("-")[0].lower()
    return primary if primary in LANGUAGES else code


def _text(unit: Unit, language: Language) -> str | None:
    return unit.get(language.code) or unit.get(language.flores)


def _key(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: cannot read this translation memory ({error.strerror or error})") from error


def _read_text(path: Path) -> str:
    try:
        return _read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 ({error}); save it as UTF-8") from error
