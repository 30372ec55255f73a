"""Translations that people made, by exact match: memories (TMX, XLIFF, TSV, CSV, JSONL), and those of public sets."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import SourceError
from polyrefuse_data.languages.tags import is_tag, language_of_tag
from polyrefuse_data.rows import as_compared
from polyrefuse_data.system.input_files import read_input, reason
from polyrefuse_data.text.counts import counted
from polyrefuse_data.text.delimited import decoded, delimiter_of
from polyrefuse_data.text.printable import printable_line
from polyrefuse_data.text.segments import Segment
from polyrefuse_data.text.tmx import read_units
from polyrefuse_data.text.xliff import read_pairs
from polyrefuse_data.translation.base import NO_MATCH, Failure, Pair, Request, Result, Translation

_logger = logging.getLogger(__name__)

# One unit of a memory: the same sentence by code of our languages; others are left out.
Unit = dict[str, str]


class ExactMatches(ABC):
    """A backend of units: exact matches (after NFC and stripping white space) in any direction between their languages.

    Where two units share a source text, the first one wins.
    """

    def __init__(self) -> None:
        self._by_pair: dict[Pair, dict[str, str]] = {}

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the backend in rows and results."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What its answers depend on."""

    @property
    @abstractmethod
    def matches(self) -> Sequence[Unit]:
        """The units to look in."""

    @property
    def units(self) -> None:
        return None

    def prepare(self, pairs: Iterable[Pair]) -> None:
        _ = self.matches  # reads every file: a broken one is an error now, not at the first row

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        return [list(range(len(requests)))] if requests else []

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        for number, batch in enumerate(batches):
            results: list[Result] = []
            for request in batch:
                text = self._targets(Pair(request.source, request.target)).get(as_compared(request.text))
                results.append(Failure(NO_MATCH) if text is None else Translation(text, origin="human"))
            yield number, results

    def close(self) -> None:  # noqa: B027 - the same for all
        """Nothing to do."""

    def _targets(self, pair: Pair) -> dict[str, str]:
        """Targets by source text, prepared when a direction is first requested."""
        if pair not in self._by_pair:
            matches = self._by_pair[pair] = {}
            for unit in self.matches:
                source, target = unit.get(pair.source.code), unit.get(pair.target.code)
                if source and target:
                    matches.setdefault(as_compared(source), target)
        return self._by_pair[pair]


class TranslationMemory(ExactMatches):
    """The units of memory files: TMX 1.4; XLIFF 1.2 and 2; TSV or CSV with a header of language tags; JSONL with one
    object of language tags a line. Where a unit has a language twice (de-DE and de-AT), the first text counts."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self.paths = list(paths)

    @property
    def name(self) -> str:
        return f"memory:{'+'.join(path.name for path in self.paths)}"

    @cached_property
    def settings(self) -> dict[str, Any]:
        digests = [hashlib.sha256(_read_bytes(path)).hexdigest() for path in self.paths]
        return {"engine": "memory", "sha256": digests}

    @cached_property
    def matches(self) -> list[Unit]:
        return [unit for path in self.paths for unit in read_memory(path)]


class PublishedTranslations(ExactMatches):
    """The translations that came with a public set of prompts (sources/registry.py)."""

    def __init__(self, prompt_set: str, units: Sequence[Unit]) -> None:
        super().__init__()
        self._prompt_set = prompt_set
        self._units = list(units)
        self._codes = {code for unit in self._units for code in unit}

    @property
    def name(self) -> str:
        return f"human:{self._prompt_set}"

    @cached_property
    def settings(self) -> dict[str, Any]:
        content = json.dumps(self._units, sort_keys=True, ensure_ascii=False).encode()
        return {"engine": "human", "set": self._prompt_set, "sha256": hashlib.sha256(content).hexdigest()}

    @property
    def matches(self) -> list[Unit]:
        return self._units

    def takes(self, pair: Pair) -> bool:
        return {pair.source.code, pair.target.code} <= self._codes


def read_memory(path: Path) -> list[Unit]:
    """The units of a memory file by its suffix. Raises SourceError naming file and line, or languages that are none."""
    readers = {
        ".tmx": _read_tmx, ".xlf": _read_xliff, ".xliff": _read_xliff, ".tsv": _read_tsv, ".csv": _read_csv,
        ".jsonl": _read_jsonl,
    }  # fmt: skip
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SourceError(f"{path}: a translation memory must be one of {', '.join(readers)}")
    return reader(path)


def _read_tmx(path: Path) -> list[Unit]:
    return _coded_units(path, [unit.variants for unit in read_units(path, _read_bytes(path))])


def _read_xliff(path: Path) -> list[Unit]:
    pairs = read_pairs(path, _read_bytes(path))
    return _coded_units(path, [[(pair.source_tag, pair.source), (pair.target_tag, pair.target)] for pair in pairs])


def _coded_units(path: Path, found: Sequence[Sequence[tuple[str | None, Segment | None]]]) -> list[Unit]:
    """Units with their codes where they stand, and, where there are any, without, as an import has them: a prompt
    matches either."""
    _check_tags(path, {tag for variants in found for tag, _ in variants if tag})
    units = []
    for variants in found:
        filled = [(tag, part) for tag, part in variants if part is not None]
        coded = _unit((tag, part.coded) for tag, part in filled)
        plain = _unit((tag, part.text) for tag, part in filled)
        units += [coded] if coded == plain else [coded, plain]
    return units


def _check_tags(path: Path, tags: Collection[str]) -> None:
    """Raise SourceError for tags that are none; say which name a language that is not one of ours."""
    unknown = sorted(tag for tag in tags if language_of_tag(tag) is None)
    wrong = [tag for tag in unknown if not is_tag(tag)]
    if wrong:
        raise SourceError(
            f"{path}: {printable_line(', '.join(wrong))}: not a language code; write BCP 47 tags or FLORES codes, "
            "such as en, zh-TW, deu_Latn: `polyrefuse languages --all` lists them"
        )
    if unknown:
        _logger.warning(
            "%s: skipped the texts in %s, which no language here matches", path, printable_line(", ".join(unknown))
        )


def _read_tsv(path: Path) -> list[Unit]:
    lines = [line.removesuffix("\r").split("\t") for line in _read_table(path).split("\n")]
    return _table_units(path, enumerate(lines, start=1), "en<TAB>de")


def _read_csv(path: Path) -> list[Unit]:
    """CSV as spreadsheets save it, with the delimiter of their country."""
    delimiter, text = delimiter_of(_read_table(path))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return _table_units(path, ((reader.line_num, fields) for fields in reader), "en;de")
    except csv.Error as error:
        raise SourceError(f"{path}: line {reader.line_num}: broken CSV ({error}): fix the quotes") from None


def _table_units(path: Path, lines: Iterable[tuple[int, list[str]]], example: str) -> list[Unit]:
    """The units of numbered lines of fields; the first names the languages of the columns, as the `example` does."""
    rows = iter(lines)
    _, header = next(rows, (1, [""]))
    if len({language_of_tag(tag) for tag in header} - {None}) < 2:
        raise SourceError(f"{path}: line 1 must name the languages of the columns, e.g. {example}")
    units = []
    for number, fields in rows:
        if not any(fields):
            continue
        if len(fields) != len(header):
            columns = counted(len(fields), "column")
            raise SourceError(f"{path}: line {number} has {columns}, but the header has {len(header)}")
        units.append(_unit(zip(header, fields, strict=True)))
    return units


def _read_jsonl(path: Path) -> list[Unit]:
    units: list[Unit] = []
    named: set[str] = set()
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
        named |= record.keys()
    if units and not any(len(unit) > 1 for unit in units):
        keys = printable_line(", ".join(sorted(named)))
        raise SourceError(f"{path}: no line has texts in two languages, only {keys}: name languages by tags (en, de)")
    return units


def _unit(variants: Iterable[tuple[str | None, object]]) -> Unit:
    """The first text of each language, of (language tag, text)."""
    unit: Unit = {}
    for tag, text in variants:
        language = language_of_tag(tag) if tag else None
        if language and isinstance(text, str) and text.strip():
            unit.setdefault(language.code, text)
    return unit


def _read_bytes(path: Path) -> bytes:
    try:
        return read_input(path)
    except OSError as error:
        raise SourceError(f"{path}: cannot read this translation memory ({reason(error)})") from error


def _read_table(path: Path) -> str:
    """The text of a CSV or TSV file in whatever encoding a spreadsheet saved it; a guess is shown."""
    try:
        found = decoded(_read_bytes(path))
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 ({error}); save it as UTF-8") from error
    if found.example:
        guess = "%s: not UTF-8; read as %s, e.g. %r: if that is wrong, save it as UTF-8"
        _logger.warning(guess, path, found.encoding, found.example)
    return found.text


def _read_text(path: Path) -> str:
    try:
        return _read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 ({error}); save it as UTF-8") from error
