"""What a lexicon counts: stems of English words, and units of a text in another language, computed cheaply.

A stem is the beginning of a word, which inflected forms share. Scripts without spaces give overlapping runs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from polyrefuse_data.languages.language import Language
from polyrefuse_data.text.words import without_accents, words

ENGLISH_STEM = 6
LATIN = "Latn"
_LENGTHENING = "\u0640"  # of an Arabic letter

_ENGLISH_WORD = re.compile(r"[a-z]+|\d+")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_MIXED = re.compile(r"[a-z0-9]+|[\u30a1-\u30fa\u30fc]+|[^\W\da-z_\u30a1-\u30fa\u30fc]+")  # Katakana apart
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc]")
_KATAKANA_STEM = 4  # a word in Katakana is one loan: its runs would be taken for those of other loans


@lru_cache(maxsize=4096)
def english_stems(text: str) -> frozenset[str]:
    """The stems of an English text. Cached, because a prompt comes once per language."""
    return frozenset([word[:ENGLISH_STEM] for word in english_words(text)])


def english_words(text: str) -> Sequence[str]:
    """The words of a text as English has them: runs of a to z, and of digits."""
    if text.isascii() and "'" not in text:  # nearly every one: as other checks read it too
        return words(text)
    return _ENGLISH_WORD.findall(text.lower())


def target_units(text: str, language: Language) -> frozenset[str]:
    """The units of a text in `language`; `text` is NFC. In scripts other than Latin, words in ASCII letters (names and
    terms) are cut like English ones."""
    lowered = text.lower()
    if not language.traits.units.marked:
        lowered = without_accents(lowered).replace(_LENGTHENING, "")
    if language.run:
        return frozenset(_runs(lowered, language.run))
    found = _WORD.findall(lowered)
    latin: set[str] = set()
    if language.script != LATIN:
        latin = {word[:ENGLISH_STEM] for word in found if word.isascii()}
        found = [word for word in found if not word.isascii()]
    if prefixes := language.traits.units.prefixes:
        prefix = re.compile(rf"^(?:{prefixes})(?=...)")
        found = [prefix.sub("", word) for word in found]
    return frozenset(latin.union([word[: language.stem] for word in found]))


def _runs(text: str, length: int) -> list[str]:
    units: list[str] = []
    for word in _MIXED.findall(text):
        if word[0].isascii():
            units.append(word[:ENGLISH_STEM])
        elif _KATAKANA.match(word):
            units.append(word[:_KATAKANA_STEM])
        else:
            units += [word[start : start + length] for start in range(max(1, len(word) - length + 1))]
    return units
