"""Scripts: their ISO 15924 codes and Unicode names, their properties, and the script of a letter."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# ISO 15924 codes that FLORES-200 uses, and the Unicode scripts that text in them is written in.
SCRIPT_NAMES: dict[str, tuple[str, ...]] = {
    "Latn": ("Latin",),
    "Arab": ("Arabic",),
    "Cyrl": ("Cyrillic",),
    "Grek": ("Greek",),
    "Hang": ("Hangul",),
    "Hans": ("Han",),
    "Hant": ("Han",),
    "Hebr": ("Hebrew",),
    "Jpan": ("Han", "Hiragana", "Katakana"),
    "Thai": ("Thai",),
    "Deva": ("Devanagari",),
    "Beng": ("Bengali",),
    "Armn": ("Armenian",),
    "Ethi": ("Ethiopic",),
    "Geor": ("Georgian",),
    "Gujr": ("Gujarati",),
    "Guru": ("Gurmukhi",),
    "Khmr": ("Khmer",),
    "Knda": ("Kannada",),
    "Laoo": ("Lao",),
    "Mlym": ("Malayalam",),
    "Mymr": ("Myanmar",),
    "Olck": ("Ol_Chiki",),
    "Orya": ("Oriya",),
    "Sinh": ("Sinhala",),
    "Taml": ("Tamil",),
    "Telu": ("Telugu",),
    "Tfng": ("Tifinagh",),
    "Tibt": ("Tibetan",),
}

# Scripts that are written without spaces between words.
UNSPACED = frozenset({"Hans", "Hant", "Jpan", "Khmr", "Laoo", "Mymr", "Thai", "Tibt"})

# Latin letters that one character says about as much as (median length ratios of the published rows); 1 elsewhere.
DENSITY = {"Hans": 3.3, "Hant": 3.3, "Jpan": 2.1, "Hang": 1.9}

# The first word of a character's Unicode name, where it is not the name of the script itself.
_SCRIPT_OF_NAME = {
    "CJK": "Han",
    "FULLWIDTH": "Latin",
    "HALFWIDTH": "Katakana",
    "IDEOGRAPHIC": "Han",
    "KATAKANA-HIRAGANA": "Katakana",  # U+30FC, which lengthens a vowel
}


@dataclass(frozen=True)
class Orthography:
    """How a language is written, for checks that do not look at the meaning of a text.

    `script` is an ISO 15924 code. `joiners` says that zero-width joiners belong to the spelling. `letters` are those
    beyond ASCII in its words, in lower case (None: any letter of the script), `guest_letters` those in names and loans.
    `encodings` together contain every everyday character; a text may have `rare_characters` that none contains.
    """

    script: str
    joiners: bool = False
    letters: str | None = None
    guest_letters: str | None = None
    encodings: tuple[str, ...] = ()
    rare_characters: int = 0


@lru_cache(maxsize=65536)
def script(character: str) -> str:
    """The Unicode script of a letter (`Latin`, `Han`, `Hiragana`, ...); empty for anything else."""
    if not character.isalpha():
        return ""
    first = unicodedata.name(character, "UNKNOWN").split()[0]
    return _SCRIPT_OF_NAME.get(first, first.capitalize())
