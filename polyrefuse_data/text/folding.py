"""Folds texts and patterns to one spelling, so that lists need not foresee apostrophes, accents and markup."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from polyrefuse_data.text.invisible import INVISIBLE
from polyrefuse_data.text.words import ARABIC_MARKS, without_quotations

# Stands where words were struck out: no word, and no end of a sentence.
STRUCK = "□"

_APOSTROPHES = re.compile("[’‘ʼʻ`´ʹ′＇]")
# Accents of Latin and Cyrillic letters, Arabic vowel signs and tatweel: writers (and models, in Yoruba above all) leave
# them out or get them wrong. Thai vowels and Japanese voicing marks carry the word and stay.
_MARKS = re.compile(f"[\u0300-\u036f{ARABIC_MARKS.pattern[1:-1]}]")
_MARKUP = re.compile(r"[*_#>~]+")
_UNSAID = re.compile(f"[*_#>~{INVISIBLE.pattern[1:-1]}]")


@lru_cache(maxsize=4096)
def fold_letters(text: str) -> str:
    """NFKC, one kind of apostrophe, lower case, no accents. Cached, because a text is read in its language and in
    English."""
    return fold_pattern(text).lower()


def fold_pattern(text: str) -> str:
    r"""The same for a regular expression, which is written in lower case: `\W` stays as it is."""
    text = _APOSTROPHES.sub("'", text)
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text)))


@lru_cache(maxsize=4096)
def fold_reply(text: str) -> str:
    """The words of a reply on one line: letters folded, without markup, invisible characters or quoted passages.

    Quotations are somebody else's voice (a title, a line of dialogue), unless the whole reply is one.
    """
    plain = _MARKUP.sub(" ", INVISIBLE.sub("", text)) if _UNSAID.search(text) else text
    unquoted = without_quotations(plain, f" {STRUCK} ")
    if not any(map(str.isalpha, unquoted)):
        unquoted = plain.strip(" \"'“”„«»「」『』《》‘’`")
    return " ".join(fold_letters(unquoted).split())
