"""How a language that is not written in Latin letters writes foreign names: names.toml of its pack.

A name is compared by its consonants: vowels, and the h that most languages drop, differ too much. The table says which
consonant each character stands for, which English sounds the language writes in other ways, and which consonants it
does not tell apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, cached_property
from itertools import product
from pathlib import Path

from pydantic import Field

from polyrefuse_data.languages.traits import Section, Words, read_part

_MOST_SPELLINGS = 48  # of a name; no English name has more doubtful letters


class NameLetters(Section):
    """names.toml. `letters`: consonants -> characters that write them, under "" those that write none; any other
    character ends a word. `sounds`: what the language does with English spellings. `alike`: groups of consonants
    between blanks that it does not tell apart. `spaced`: whether it sets spaces. `own_words`: names, in lower case, for
    which it has words of its own (Oxford is 牛津)."""

    letters: dict[str, str] = Field(default_factory=dict)
    sounds: dict[str, str] = Field(default_factory=dict)
    alike: str = ""
    spaced: bool = True
    own_words: Words = frozenset()

    def consonants(self, text: str) -> list[str]:
        """The consonants of each word of a text in this language, Latin letters and digits left out; of all its words
        as one where no spaces are set."""
        normal = unicodedata.normalize("NFKD" if self._decomposed else "NFKC", text)
        return _single(normal.translate(self._characters)).split()

    def spellings(self, name: str) -> frozenset[str]:
        """The consonants of an English name in lower case, in every way the language may write it."""
        parts: list[list[str]] = []
        place, count = 0, 1
        while place < len(name):
            size = next((size for size in range(self._longest, 0, -1) if name[place : place + size] in self._sounds), 0)
            found = self._sounds[name[place : place + size]].split("|") if size else [""]
            if count * len(found) > _MOST_SPELLINGS:
                found = found[:1]
            count *= len(found)
            parts.append(found)
            place += max(1, size)
        return frozenset(_single("".join(way).translate(self._merged)) for way in product(*parts))

    @cached_property
    def _sounds(self) -> Mapping[str, str]:
        return {**_english_sounds(), **self.sounds}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._sounds))

    @cached_property
    def _decomposed(self) -> bool:
        """Whether the characters are parts of syllables, as Hangul's are."""
        return all(unicodedata.normalize("NFKD", one) == one for one in "".join(self.letters.values()))

    @cached_property
    def _merged(self) -> dict[int, str]:
        return str.maketrans({one: group[0] for group in self.alike.split() for one in group})

    @cached_property
    def _characters(self) -> dict[int, str]:
        found = _OthersAs(" " if self.spaced else "")
        found.update(
            (ord(one), sounds.translate(self._merged)) for sounds, those in self.letters.items() for one in those
        )
        return found


class _OthersAs(dict[int, str]):
    """A table for str.translate that puts the same in the place of every other character."""

    def __init__(self, others: str) -> None:
        self._others = others

    def __missing__(self, key: int) -> str:
        return self._others


@cache
def _english_sounds() -> Mapping[str, str]:
    """How English spellings sound: names.toml of the English pack."""
    return read_part(NameLetters, Path(__file__).parent / "en" / "names.toml").sounds


def _single(consonants: str) -> str:
    return _DOUBLED.sub(r"\1", consonants)


_DOUBLED = re.compile(r"(.)\1+")
