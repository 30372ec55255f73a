"""What a user gives a chat model to go by: examples, and a glossary whose words are looked for in what comes back."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import SourceError
from polyrefuse_data.system.input_files import read_input, reason
from polyrefuse_data.translation.base import Pair, Request
from polyrefuse_data.translation.families import Terms
from polyrefuse_data.translation.memory import Unit, read_memory

_MOST_EXAMPLES = 8  # each costs tokens with every text; more brings little (few-shot studies of translation)

# Words change their ends: of a word with this many letters, this share has to be there, of a shorter one all.
_STEM_LETTERS, _STEM_SHARE = 5, 0.7


@dataclass(frozen=True)
class Guidance:
    """Files in a memory's formats (TMX, TSV, JSONL): `examples` of whole texts, `glossary` of words."""

    examples: Path | None = None
    glossary: Path | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What decides the answers: digests of the files that there are."""
        named = {"examples": self.examples, "glossary": self.glossary}
        return {name: _digest(path) for name, path in named.items() if path is not None}

    def check(self) -> None:
        """Read the files. Raises SourceError naming file and line."""
        _ = self._examples, self._glossary

    def examples_for(self, request: Request) -> Terms:
        """Texts and their translations, the same for every text of a pair, but never that text itself."""
        found = _pairs(self._examples, Pair(request.source, request.target))
        return [pair for pair in found if pair[0].strip() != request.text.strip()][:_MOST_EXAMPLES]

    def terms_for(self, request: Request) -> Terms:
        """What the glossary says of words that are in the text, the longest first."""
        if not self._glossary:
            return []
        found = _pairs(self._glossary, Pair(request.source, request.target))
        spaced = request.source.spaced
        return sorted((pair for pair in found if _has(request.text, pair[0], spaced)), key=lambda pair: -len(pair[0]))

    def missed(self, request: Request, translation: str) -> list[str]:
        """The glossary's translations that should be in a translation and are not, whatever their words' ends."""
        text = _folded(translation)
        return [target for _, target in self.terms_for(request) if not all(stem in text for stem in _stems(target))]

    @cached_property
    def _examples(self) -> list[Unit]:
        return read_memory(self.examples) if self.examples else []

    @cached_property
    def _glossary(self) -> list[Unit]:
        return read_memory(self.glossary) if self.glossary else []

    def __getstate__(self) -> Mapping[str, Any]:
        return {"examples": self.examples, "glossary": self.glossary}


def _pairs(units: list[Unit], pair: Pair) -> list[tuple[str, str]]:
    source, target = pair.source.code, pair.target.code
    return list(dict.fromkeys((unit[source], unit[target]) for unit in units if source in unit and target in unit))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _has(text: str, term: str, spaced: bool) -> bool:
    border = r"\b" if spaced else ""
    return re.search(f"{border}{re.escape(_folded(term))}{border}", _folded(text)) is not None


def _stems(term: str) -> list[str]:
    return [
        word if len(word) < _STEM_LETTERS else word[: round(len(word) * _STEM_SHARE)] for word in _folded(term).split()
    ]


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(read_input(path)).hexdigest()[:16]
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({reason(error)})") from error
