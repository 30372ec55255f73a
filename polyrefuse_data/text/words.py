"""Words of a text, as several checks count them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# A word is a run of letters and digits; letters outside Latin and ASCII end it, so that `Python関数` gives `Python`.
_WORD = re.compile(r"[0-9]+|[A-Za-z\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff'’]+|[^\W\dA-Za-z\u00c0-\u024f_]+")
# Quoted speech and titles; a single mark opens a quotation only where no apostrophe can be (don't, students').
_QUOTED = re.compile(
    r"\"[^\"]*\"|“[^”]*”|„[^“”\"]*[“”\"]|«[^»]*»|»[^«»]*«|「[^」]*」|『[^』]*』|《[^》]*》|‘[^’]{3,}’|(?<![0-9A-Za-z\u00c0-\u024f])'[^']{3,}'(?!\w)|`[^`]*`"
)
# What opens one; most texts hold none, and the search for a whole quotation is slow.
_OPENS_QUOTATION = re.compile("[\"“„«»「『《‘`'](?<![0-9A-Za-z\u00c0-\u024f]')")

# Marks that Arabic is mostly written without: lengthening of a letter, vowel signs, marks of recitation.
ARABIC_MARKS = re.compile("[\u0640\u064b-\u065f\u0670]")


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[str, ...]:
    """The words of a text, casefolded. In scripts without spaces these are runs, not words.

    Cached for more texts than a batch has: several checks need the words of the same text, and a prompt comes once
    per language.
    """
    return tuple(_WORD.findall(text.casefold()))


def quotations(text: str) -> list[str]:
    """Quoted speech and titles in a text, with their marks."""
    return _QUOTED.findall(text) if _OPENS_QUOTATION.search(text) else []


def without_quotations(text: str, instead: str) -> str:
    """The text with `instead` in place of each quotation."""
    return _QUOTED.sub(instead, text) if _OPENS_QUOTATION.search(text) else text


_SHARED_STEM = 5  # letters that a name keeps where a language inflects it (Fahrenheit, Fahrenheita)


def without_shared_words(text: str, source: str) -> str:
    """The text without the words that `source` has too, even inflected or with other accents: names, loans,
    quotations."""
    shared = _stems(source)
    return _WORD.sub(lambda found: " " if _stem(found[0]) in shared else found[0], text)


@lru_cache(maxsize=1024)
def _stems(text: str) -> frozenset[str]:
    return frozenset(map(_stem, words(text)))


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    return without_accents(word.casefold())[:_SHARED_STEM]


def without_accents(text: str) -> str:
    """The letters without their combining marks."""
    if text.isascii():
        return text
    letters = unicodedata.normalize("NFD", text)
    for mark in filter(unicodedata.combining, set(letters)):  # few different characters make a text
        letters = letters.replace(mark, "")
    return letters
