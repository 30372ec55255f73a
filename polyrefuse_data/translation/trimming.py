"""The tokens of a vocabulary that a pair of languages uses, by their characters.

Greedy search over these alone takes the same tokens as over all, up to where the full model would take a token that
only other languages use. A text with such a token in it goes to the full model.
"""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import sha256

from polyrefuse_data.languages import SOURCE_LANGUAGE, Language
from polyrefuse_data.text.mojibake import letters_of_words
from polyrefuse_data.text.scripts import SCRIPT_NAMES, script
from polyrefuse_data.translation.base import Pair
from polyrefuse_data.translation.vocabulary import Vocabulary

RULE = 1  # raise it when a language keeps other tokens: answers may differ

_KNOWN_SCRIPTS = frozenset(name for names in SCRIPT_NAMES.values() for name in names)


class Kept:
    """Some tokens of a vocabulary: `ids`, ascending."""

    def __init__(self, name: str, ids: Iterable[int]) -> None:
        self.name = name
        self.ids = array("I", ids)
        self._is_kept = bytearray(self.ids[-1] + 1)
        for index in self.ids:
            self._is_kept[index] = 1

    @property
    def label(self) -> str:
        """A name for files: the languages and a digest of the tokens."""
        return f"{self.name}-{sha256(self.ids.tobytes()).hexdigest()[:8]}"

    def holds(self, ids: Sequence[int]) -> bool:
        return all(index < len(self._is_kept) and self._is_kept[index] for index in ids)


class Trimming:
    """The first `size` tokens of a vocabulary, cut down to what two languages use."""

    def __init__(self, vocabulary: Vocabulary, size: int) -> None:
        self._vocabulary = vocabulary
        self.size = size
        self._kept: dict[str, Kept] = {}

    def kept(self, pair: Pair) -> Kept:
        """Tokens without a letter or mark that neither language uses; the same in both directions."""
        name = "-".join(sorted(language.code for language in pair))
        if name not in self._kept:
            tokens = list(self._vocabulary.all_tokens())
            uses = [used_by(language) for language in pair]
            foreign = {c for c in set().union(*tokens) if not any(in_use(c) for in_use in uses)}
            ids = self._vocabulary.ids([token for token in tokens if foreign.isdisjoint(token)])
            self._kept[name] = Kept(name, sorted(index for index in ids if index < self.size))
        return self._kept[name]


def used_by(language: Language) -> Callable[[str], bool]:
    """Whether a character occurs in texts of a language: ASCII, whatever belongs to no script (digits, signs), and the
    letters that its pack names, else all of its script."""
    written = language.orthography
    if language.code == SOURCE_LANGUAGE:
        written = replace(written, letters="")  # its script is everybody's
    letters = letters_of_words(written)
    own = frozenset(letters + letters.upper())

    def in_use(character: str) -> bool:
        plain = unicodedata.normalize("NFKC", character)
        if plain.isascii() or not own.isdisjoint(plain):
            return True
        of = _script(character)
        return of not in _KNOWN_SCRIPTS or (written.letters is None and of in language.scripts)

    return in_use


def _script(character: str) -> str:
    """The script of a letter, or of a mark that only one script has; empty for anything else."""
    if unicodedata.category(character).startswith("M"):
        return unicodedata.name(character, "UNKNOWN").split()[0].capitalize()
    return script(character)
