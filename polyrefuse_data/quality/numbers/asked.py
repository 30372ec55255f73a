"""The numbers in an English prompt, and whether and how a good translation has to express each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from functools import lru_cache

from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE, Language
from polyrefuse_data.languages.lexicon.units import english_stems
from polyrefuse_data.languages.numbers import NumberWords
from polyrefuse_data.languages.traits import Counting
from polyrefuse_data.quality.numbers.forms import HALF, Way, any_of, take_forms
from polyrefuse_data.quality.numbers.grammar import Value
from polyrefuse_data.quality.numbers.reading import Kind, Said, read_digits, read_numbers
from polyrefuse_data.quality.numbers.units import converted, near, without_repeated


class Need(Enum):
    """When a translation has to express a number of the prompt."""

    ALWAYS = 1
    INSTEAD = 2  # where it says a number that the prompt does not: "first", "one", World War II may go without
    NEVER = 3  # "a" may be said as "one", teenagers as 10代, so that this number is not there for another


@dataclass(frozen=True)
class Asked:
    """A number in the prompt, or several that belong together, and how it is written there."""

    ways: tuple[Way, ...]
    kind: Kind = Kind.DIGITS
    need: Need = Need.ALWAYS


_CARDINALS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen"
    "|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
)
_CARDINAL = re.compile(rf"(?:{_CARDINALS})(?: (?:{_CARDINALS}|hundred|thousand|million|billion|trillion|half))*")
_CARDINAL_SOMEWHERE = re.compile(rf"\b(?:{_CARDINALS})\b")
_CARDINAL_STEMS = frozenset().union(*map(english_stems, _CARDINALS.split("|")))
_DIGIT = re.compile(r"[\d¼½¾]")
_ROMAN = re.compile(r"[IVX](?<!\w.)[IVX]{1,3}\b")  # a word; to look for its letters first is faster
_INDEX = re.compile(r"(?<![A-Za-z])([A-Za-z]+)(\d{1,9})(?!\d)")  # CO2, WW2
_ARTICLE = re.compile(r"\ban?\b", re.IGNORECASE)
_TEENS = re.compile(r"teen|\bdecades?\b|\badolescen", re.IGNORECASE)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip
_MONTH = re.compile(rf"(\d(?:st|nd|rd|th)?(?: of)? )?\b({'|'.join(_MONTHS)})\b( \d)?")
_ALSO_WORDS = frozenset({"March", "April", "May", "June", "August"})  # or names of people
# A number that need not be said as one: in a name, which may keep its sound (the Four Corners are 포 코너스 in Korean),
# and where it counts what the sentence has just listed.
_NAMED = re.compile(rf"(?<=[a-z,] )({_CARDINALS.title()})(?= [A-Z][a-z])")
_AMONG = re.compile(rf"(?:are|were) ({_CARDINALS}) of the (?:most|best|\w+est)\b")  # are among the best known
_LONG = 150  # characters of a prompt in which two is often left to a plural: "as a parent of two preteen children"
_LARGE = 1000  # from here on, languages without a decimal system of old say numbers in ways that nobody can list
_YEARS = range(1000, 2101)
_MONEY = re.compile(r"(?<=[£$€¥])(\d[\d.,]*)\s?(bn|tn|k|m|million|billion|trillion)\b", re.IGNORECASE)  # £2.8bn
_SIGN_ALONE = re.compile(r"(?<!\d)(?<!\d\s)[£$€¥](?!\s{0,2}\d)")
_SHORT = {"k": "thousand", "m": "million", "bn": "billion", "tn": "trillion"}


def asks_digits(source: str) -> bool:
    """Whether `source` contains numbers in digits."""
    return bool(_DIGIT.search(source))


def asks_words(source: str) -> bool:
    """Whether `source` contains numbers in words or Roman numerals that a translation must express. A quick check."""
    if not _CARDINAL_STEMS.isdisjoint(english_stems(source)) and _CARDINAL_SOMEWHERE.search(source.lower()):
        return True
    return _ROMAN.search(source) is not None


def asked_numbers(source: str, text: str, language: Language | None) -> list[Asked]:
    """The numbers in `source`, and how the translation `text` into `language` may express them."""
    counting = language.traits.counting if language else Counting()
    words = language.numbers if language else None
    asked = list(_implied(source, text, counting))
    if _DIGIT.search(source):
        source, repeated = without_repeated(source)
        asked += [Asked(((any_of(value),),), need=Need.NEVER) for value in repeated]
        forms, source = take_forms(source, text, words or NumberWords())
        asked += map(Asked, forms)
        asked += (_index(match, text) for match in _INDEX.finditer(source))
        source = _INDEX.sub(" ; ", source)
    source = _MONEY.sub(lambda match: f"{match[1]} {_SHORT.get(match[2].lower(), match[2])}", source)
    said = _read_english(source)
    spared = _spared(source) if said else frozenset()
    unread = _unread_words(text, words)
    unsaid = 2 if counting.dual or len(source) > _LONG else 1
    lowered = text.lower()
    for place, one in enumerate(said):
        ways = _plain(one) + _in_other_units(one, source, text, language)
        need = _need(one, said[:place], lowered, words, unsaid)
        if one.text in spared and need is Need.ALWAYS:
            need = Need.INSTEAD
        elif unread and one.readings[0] >= _LARGE:
            need = Need.NEVER
        asked.append(Asked(ways, one.kind, need))
    if eras := [era.years for era in counting.eras if era.sign in text]:
        asked = [replace(one, ways=tuple(_with_eras(way, eras) for way in one.ways)) for one in asked]
    return asked


@lru_cache(maxsize=1 << 14)  # a prompt comes once for each language
def _read_english(source: str) -> tuple[Said, ...]:
    return tuple(read_numbers(source, LANGUAGES[SOURCE_LANGUAGE]))


@lru_cache(maxsize=1 << 14)
def _spared(source: str) -> frozenset[str]:
    return frozenset(map(str.lower, _NAMED.findall(source) + _AMONG.findall(source)))


def _unread_words(text: str, words: NumberWords | None) -> bool:
    """Whether the text says a number in words of which not all can be read (quality/numbers/losses.py)."""
    if words is None or not words.unread or lost_its_amount(text):
        return False
    return bool(re.search(words.unread, words.folded(text.lower())))


def lost_its_amount(text: str) -> bool:
    """Whether a currency sign stands without digits: "$ milionu" has lost its 30, and no word hides it."""
    return _SIGN_ALONE.search(text) is not None


def _implied(source: str, text: str, counting: Counting) -> Iterator[Asked]:
    """Numbers that occur only in the translation: 10代 for teenagers, 9月 for September, one for "a"."""
    if _TEENS.search(source):
        yield Asked(((any_of(10),),), need=Need.NEVER)
    if counting.numbered_months:
        for day, name, year in _MONTH.findall(source):
            certain = name not in text and (day or year or name not in _ALSO_WORDS)
            yield Asked(((any_of(_MONTHS.index(name) + 1),),), need=Need.ALWAYS if certain else Need.INSTEAD)
    if counting.article_is_one:
        yield from [Asked(((any_of(1),),), Kind.WORDS, Need.NEVER)] * len(_ARTICLE.findall(source))


def _index(match: re.Match[str], text: str) -> Asked:
    """CO2 keeps its number where it keeps its letters; WW2 may be the Second World War."""
    letters, number = match.groups()
    kept = re.search(rf"(?<![A-Za-z]){letters}(?![A-Za-z])", text)
    return Asked(((any_of(int(number)),),), need=Need.ALWAYS if kept else Need.INSTEAD)


def _need(said: Said, before: Sequence[Said], text: str, words: NumberWords | None, unsaid: int) -> Need:
    """Digits and cardinals above `unsaid` must be expressed; "one", "a hundred" and ordinals may be omitted.

    Three pros and three cons may be three of each; a title may keep its English words; what languages without number
    words say cannot be known.
    """
    if said.kind is Kind.DIGITS:
        return Need.ALWAYS
    if words is None:
        return Need.NEVER
    counts = _CARDINAL.fullmatch(said.text) and said.readings[0] > unsaid
    again = said.text in (other.text for other in before) or said.text in text
    return Need.ALWAYS if counts and not again else Need.INSTEAD


def _plain(said: Said) -> tuple[Way, ...]:
    value, parts = said.readings[0], said.parts
    values = any_of(*said.readings)
    if len(parts) == 1 and value > parts[0]:  # 2 million: the million may be a word that nobody listed
        values |= {parts[0]}
    ways: list[Way] = [(values,)]
    if parts and all(part >= 100 for part in parts):  # 100,200,300: a list after all
        ways.append(tuple(map(any_of, parts)))
    if value % 1 == Fraction(1, 2):  # 2.5 hours: two hours and a half
        ways.append((any_of(int(value)), HALF))
    return tuple(ways)


def _in_other_units(said: Said, source: str, text: str, language: Language | None) -> tuple[Way, ...]:
    """The numbers of the translation that may be this quantity in other units; mostly there is none."""
    wanted = _converted(source).get(said.readings[0])
    found = near(wanted, [*read_digits(text), *read_numbers(text, language)]) if wanted else None
    return ((found,),) if found else ()


@lru_cache(maxsize=1 << 14)
def _converted(source: str) -> Mapping[Value, Sequence[float]]:
    return converted(source) if _DIGIT.search(source) else {}


def _with_eras(way: Way, eras: Sequence[int]) -> Way:
    return tuple(values | {value + years for value in values if value in _YEARS for years in eras} for values in way)
