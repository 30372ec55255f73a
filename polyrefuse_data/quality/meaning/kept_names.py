"""Names of an English prompt found again in its translation: as they stand, or written in the letters of its language.

Only names count that languages spell as they sound: no countries, peoples, titles or abbreviations, for which each has
words of its own. A translator may still leave a name out, so a lost one is a sign and no proof.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from polyrefuse_data.languages import Language
from polyrefuse_data.languages.transliteration import NameLetters
from polyrefuse_data.quality.meaning.english import base_forms
from polyrefuse_data.quality.meaning.names import fold, names_of, openings
from polyrefuse_data.quality.meaning.tables import common, translated

_BEGINNING = 4  # letters that an inflected name keeps
_LEAST_CONSONANTS = 3  # fewer are in any text
_LONGEST = 4_000  # characters; no prompt is longer, a broken row may be
_VOWEL = re.compile("[aeiouy]")


def least_kept(source: str, text: str, language: Language) -> float | None:
    """How much of the name of `source` that is kept least stands in the text, 0 to 1; None without such a name, and
    for scripts without a table."""
    names = names_to_keep(source[:_LONGEST])
    letters = language.name_letters
    if not names or (letters is None and language.script != "Latn"):
        return None
    latin = fold(text[:_LONGEST])
    lost = [name for name in names if name[:_BEGINNING] not in latin]
    if letters is None:
        return min((_in_latin(name, latin) for name in lost), default=1.0)
    lost = [name for name in lost if name not in letters.own_words]
    sounds = letters.consonants(text[:_LONGEST]) if lost else []
    return min((_as_it_sounds(name, sounds, letters) for name in lost), default=1.0)


@lru_cache(maxsize=1 << 12)
def names_to_keep(source: str) -> tuple[str, ...]:
    """Names of a prompt that every language spells as they sound, in lower case."""
    return tuple(
        name
        for name in names_of(source)
        if len(name) >= _BEGINNING
        and "-" not in name
        and _VOWEL.search(name)
        and name not in openings(source)
        and not _is_translated(name)
        and not re.search(rf"\b{re.escape(name.upper())}s?\b", source)
    )


@lru_cache(maxsize=1 << 14)
def _is_translated(name: str) -> bool:
    return not base_forms(name).isdisjoint(common()) or name in translated() or name.removesuffix("s") in translated()


def _in_latin(name: str, text: str) -> float:
    from rapidfuzz import fuzz

    return float(fuzz.partial_ratio(name, text)) / 100


def _as_it_sounds(name: str, words: Sequence[str], letters: NameLetters) -> float:
    from rapidfuzz import fuzz

    spellings = letters.spellings(name)
    if min(map(len, spellings)) < _LEAST_CONSONANTS - 1 or max(map(len, spellings)) < _LEAST_CONSONANTS:
        return 1.0
    kept = 0.0
    for word in words:
        for own in spellings:  # within a longer word: particles, articles and cases
            kept = max(kept, (fuzz.partial_ratio if len(own) <= len(word) else fuzz.ratio)(own, word))
    return kept / 100
