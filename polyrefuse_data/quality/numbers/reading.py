"""The numbers in a text: in digits of any script, in words, in Roman numerals, or mixed ("2.5 million", "5천").

A text is cut into runs of digits and number words, and these into numbers as far as they belong together. A number has
readings (1.500 is fifteen hundred, or one and a half), and parts, because it may be several numbers after all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import pairwise

from polyrefuse_data.languages import Language
from polyrefuse_data.languages.numbers import NumberWords
from polyrefuse_data.quality.numbers.composition import Component, is_scale, numbers_of, value_of
from polyrefuse_data.quality.numbers.grammar import GROUPING, POINT, Grammar, Value, grammar_of


class Kind(Enum):
    """How a number is written."""

    DIGITS = 1  # with digits at least
    WORDS = 2


@dataclass(frozen=True)
class Said:
    """A number in a text: its readings as a whole, and the values of its parts, if it has several."""

    text: str
    kind: Kind
    readings: tuple[Value, ...]
    parts: tuple[Value, ...] = ()


_LONGEST = 30  # digits that are looked at: what follows in a longer number says nothing more
_GROUPED = re.compile(rf"(\d{{1,3}}(?:{GROUPING}\d{{3}})+)(?:{POINT}(\d+))?")
_DECIMAL = re.compile(rf"(\d*){POINT}(\d+)")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_SET_APART = re.compile("[²³¹⁰⁴-⁹₀-₉①-⑳Ⅰ-Ⅻⅰ-ⅻ]")
_ROMAN = re.compile(
    r"(?<![A-Za-zÀ-ÿ0-9])(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
    r"(?=(?:e|è|ème|er|ère|o)?(?![A-Za-zÀ-ÿ0-9]))"
)
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_CYRILLIC_ROMANS = str.maketrans("ХІ", "XI")


def read_numbers(text: str, language: Language | None, initials: bool = False) -> list[Said]:
    """Every number in `text`, including those in words if the language has number words.

    With `initials`, I, V and X count as Roman numerals even alone ("siglo V").
    """
    return [*_read(western_digits(text), language), *_romans(text, initials)]


def read_digits(text: str) -> list[Said]:
    """The numbers written in digits in a translation, without words that multiply them."""
    return list(_read(western_digits(text), None))


def western_digits(text: str) -> str:
    """Arabic-Indic, Thai, full-width and other decimal digits as 0-9; raised, lowered and circled ones set apart."""
    if text.isascii():
        return text
    text = _OTHER_DIGIT.sub(lambda match: str(unicodedata.decimal(match.group())), text)
    return _SET_APART.sub(lambda match: f" {int(unicodedata.numeric(match.group()))} ", text)


def _read(text: str, language: Language | None) -> Iterator[Said]:
    grammar = grammar_of(language)
    text = grammar.words.folded(text.lower())
    for match in grammar.run.finditer(text):
        if match.group(1) is None:  # a word that only looks like a number
            continue
        for components in numbers_of(list(_components(text, *match.span(), grammar)), grammar.words):
            if value_of(components, grammar.words) is not None:
                yield _said(components, grammar.words)


def _components(text: str, place: int, end: int, grammar: Grammar) -> Iterator[Component]:
    """The components of the run from `place` to `end`, in order; endings between them are skipped."""
    while place < end:
        match = grammar.component.match(text, place)
        if match is None or match.end() > end:
            place += 1
        else:
            place, group = match.end(), match.lastindex or 1
            yield (
                _digits(match.group(), grammar.english)
                if group == 1
                else _word(match.group(), grammar.values[group - 2])
            )


def _word(text: str, value: Value) -> Component:
    return Component(text, (value,), (value,), in_digits=False)


def _digits(cluster: str, english: bool) -> Component:
    if not cluster[0].isdecimal() and len(cluster) == 1:
        value = Fraction(unicodedata.numeric(cluster)).limit_denominator(12)
        return Component(cluster, (value,), (value.numerator, value.denominator), in_digits=True)
    groups = tuple(int(group[:_LONGEST]) for group in re.findall(r"\d+", cluster))
    if english:  # a comma groups, a point parts
        return Component(cluster, (_decimal(*f"{cluster.replace(',', '')}.0".split(".")[:2]),), groups, in_digits=True)
    readings: list[Value] = []
    if match := _GROUPED.fullmatch(cluster):
        whole, decimals = match.groups()
        readings.append(_decimal(re.sub(r"\D", "", whole), decimals or "0"))
    if match := _DECIMAL.fullmatch(cluster):
        readings.append(_decimal(*match.groups()))
    return Component(cluster, tuple(readings) or groups, groups, in_digits=True)


def _decimal(whole: str, decimals: str) -> Value:
    """The value of digits before and after a decimal point."""
    value = Fraction(int(whole[:_LONGEST] or "0")) + Fraction(int(decimals[:_LONGEST]), 10 ** len(decimals[:_LONGEST]))
    return int(value) if value.denominator == 1 else value


def _said(components: list[Component], words: NumberWords) -> Said:
    text = " ".join(component.text for component in components)
    kind = Kind.DIGITS if any(component.in_digits for component in components) else Kind.WORDS
    if len(components) == 1:
        only = components[0]
        return Said(text, kind, only.readings, only.parts if only.parts != only.readings else ())
    choices = range(max(len(component.readings) for component in components))
    values = [value_of(components, words, choice) for choice in choices]
    readings = tuple(dict.fromkeys(value for value in values if value is not None))
    parts = (
        value for component in components for value in component.readings if component.in_digits or not is_scale(value)
    )
    return Said(text, kind, readings, tuple(parts))


def _romans(text: str, initials: bool) -> Iterator[Said]:
    for match in _ROMAN.finditer(text.translate(_CYRILLIC_ROMANS)):  # Х as a Roman X
        numeral = match.group()
        if len(numeral) > 1 or (initials and numeral in "IVX"):
            values = [_ROMAN_VALUES[letter] for letter in numeral]
            total = sum(-left if left < right else left for left, right in pairwise([*values, 0]))
            yield Said(numeral, Kind.WORDS, (total,))
