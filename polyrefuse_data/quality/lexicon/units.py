"""What a lexicon counts: stems of English words, and units of a text in another language, as cheap as they get.

A stem is the beginning of a word, which inflected forms share. Scripts without spaces give overlapping runs.
"""

from __future__ import annotations

import re
from functools import lru_cache

from polyrefuse_data.text.words import without_accents

ENGLISH_STEM = 6
_STEM = {"ko": 2, "ar": 5}  # characters of a word's beginning; a Hangul character is a syllable
_DEFAULT_STEM = 5
_RUN = {"ja": 2, "zh": 2, "th": 3}  # characters of a run in scripts without spaces

# Languages often written without their marks, or with more of them: vowel signs, hamza and lengthening in Arabic; tones
# and dots in Yoruba. Their units are letters alone.
_UNMARKED = frozenset({"ar", "yo"})
_LENGTHENING = "\u0640"

NON_LATIN = frozenset({"ar", "ja", "ko", "ru", "th", "zh"})  # languages in which a Latin word is a name or term

_ENGLISH_WORD = re.compile(r"[a-z]+|\d+")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_MIXED = re.compile(r"[a-z0-9]+|[\u30a1-\u30fa\u30fc]+|[^\W\da-z_\u30a1-\u30fa\u30fc]+")  # Katakana apart
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc]")
_KATAKANA_STEM = 4  # a word in Katakana is one loan: its runs would be taken for those of other loans
_ARABIC_PREFIX = re.compile(r"^(?:وال|بال|ال|لل|و|ب|ل)(?=...)")


@lru_cache(maxsize=2048)
def english_stems(text: str) -> frozenset[str]:
    """The stems of an English text. Cached: a prompt comes once a language."""
    return frozenset(word[:ENGLISH_STEM] for word in _ENGLISH_WORD.findall(text.lower()))


def target_units(text: str, language: str) -> frozenset[str]:
    """The units of a text in `language` (BCP-47); `text` is NFC. Words in ASCII letters are cut as English ones are."""
    lowered = text.lower()
    if language in _UNMARKED:
        lowered = without_accents(lowered).replace(_LENGTHENING, "")
    if language in _RUN:
        return frozenset(_runs(lowered, _RUN[language]))
    length = _STEM.get(language, _DEFAULT_STEM)
    found = _WORD.findall(lowered)
    if language in NON_LATIN:
        latin = {word[:ENGLISH_STEM] for word in found if word.isascii()}
        found = [_ARABIC_PREFIX.sub("", word) for word in found if not word.isascii()]
        return frozenset(latin.union(word[:length] for word in found))
    return frozenset(word[:length] for word in found)


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
