"""The number words of a language (numbers.toml of its pack), compiled into patterns that find numbers in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from polyrefuse_data.languages import SOURCE_LANGUAGE, Language
from polyrefuse_data.languages.numbers import NumberWords

Value = int | Fraction

GROUPING = "[.,'’\u066b\u066c \u00a0\u2009\u202f]"
POINT = "[.,·\u066b]"
_VULGAR = "[¼½¾⅐-⅞]"
_DIGITS = rf"\d{{1,3}}(?:{GROUPING}\d{{3}})+(?!\d)(?:{POINT}\d+)?|\d+(?:{POINT}\d+)?|(?<![\w.,]){POINT}\d+|{_VULGAR}"
_ENGLISH_DIGITS = (
    rf"\d{{1,3}}(?:,\d{{3}})+(?!\d|,\d)(?:\.\d+)?|(?<!\d\.)\d+\.\d+(?!\.?\d)|(?<![\w.])\.\d+|\d+|{_VULGAR}"
)
_LETTER = r"[^\W\d_]"


@dataclass(frozen=True)
class Grammar:
    """The patterns of one language, compiled: a run of numbers, and one component."""

    words: NumberWords
    english: bool
    run: re.Pattern[str]  # group 1; without it, a word that only looks like a number
    component: re.Pattern[str]  # group 1: digits; group n: a word for values[n - 2]
    values: tuple[Value, ...]


@cache
def grammar_of(language: Language | None) -> Grammar:
    """The grammar of a language; of digits only for None or without number words."""
    words = (language and language.numbers) or NumberWords()
    spaced = language is None or language.spaced
    is_english = language is not None and language.code == SOURCE_LANGUAGE
    digits = _ENGLISH_DIGITS if is_english else _DIGITS
    forms = {  # "centaine" before "cent", 20 before 2
        value: sorted(some, key=len, reverse=True) for value, some in sorted(words.forms.items(), reverse=True)
    }
    every = [form for some in forms.values() for form in some]
    part, last = _either([digits, *map(_stem, every)]), _either([digits, *(_ended(form, spaced) for form in every)])
    word = f"(?={part})(?:{part}{words.inside})*{last}"
    border = f"(?<!{_LETTER})" if spaced else ""
    unlike = f"{border}(?:{words.unlike})|" if words.unlike else ""
    start = rf"(?:(?=[\d.,·]|{_VULGAR})|{border}{words.before})"
    groups = [digits, *("|".join(map(_stem, some)) for some in forms.values())]
    return Grammar(
        words,
        english=is_english,
        # One `word`, which takes long to compile: from the second on, group 2 has matched.
        run=re.compile(f"{unlike}({start}(?:(?(2){words.between}{words.before}){word}())+)"),
        component=re.compile("|".join(f"({group})" for group in groups)),
        values=tuple(Fraction(value) if value % 1 else int(value) for value in forms),
    )


def _stem(form: str) -> str:
    return form.removesuffix("*")


def _ended(form: str, spaced: bool) -> str:
    """The last component of a word: with any ending if the form is open, else up to the end of the word."""
    if form.endswith("*"):
        return _stem(form) + r"\w*"
    return f"{form}(?!{_LETTER})" if spaced else form


def _either(patterns: Iterable[str]) -> str:
    """Any of these patterns, grouped by first letter so that most positions of a text fail at once."""
    by_letter: dict[str, list[str]] = {}
    others = []
    for pattern in patterns:
        if pattern[0].isalpha() and pattern[1:2] not in ("?", "*", "+", "{"):
            by_letter.setdefault(pattern[0], []).append(pattern[1:])
        else:
            others.append(pattern)
    grouped = [f"{letter}(?:{'|'.join(rests)})" for letter, rests in by_letter.items()]
    return f"(?:{'|'.join([*others, *grouped])})"
