"""A bilingual lexicon and its evidence on a pair: log-odds that the text translates this prompt and not another.

Evidence is counted in both directions. A stem that the lexicon can translate is evidence for the pair if one of its
translations is in the text, and against it if none is. Its weight depends on how often the stem was seen (hit rates by
support, measured on pairs the lexicon had not seen) and on how often the translations occur by chance. Unknown words
are no evidence. The lengths of the two texts are weighed in the same way.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, repeat
from pathlib import Path

import numpy as np

from polyrefuse_data.languages.language import Language
from polyrefuse_data.languages.lexicon.units import ENGLISH_STEM, LATIN, english_stems, target_units
from polyrefuse_data.languages.registry import SOURCE_LANGUAGE, find_language, packs_digest
from polyrefuse_data.text.bags import Matrix, held, holders
from polyrefuse_data.text.clauses import QUESTION_MARKS

STEMS = Path(__file__).parents[1] / SOURCE_LANGUAGE / "stems.tsv"

# Upper ends of the ranges of support (pairs in which a stem was seen) that have hit rates of their own.
SUPPORT_RANGES = (1, 2, 4, 8, 16)
_HIGHEST_RATE, _LOWEST_CHANCE = 0.97, 0.003
# Prompts of one set share their forms ("give detailed step-by-step instructions for"): a common stem turns up in other
# rows' texts so many times as often as its share of all English prompts says.
_SHARED_FORMS = 3.0
_SHORTEST_NAME = 3
# Log-odds of a Latin word that the prompt has, and of one that it has not, where the lexicon does not know the word. On
# the published rows 98% of such words in other scripts stand in their own prompt and 2% in another one (put a little
# milder here: other translators may spell names otherwise); in Latin scripts 20% (cognates) and 1%.
_FOREIGN_NAME_ODDS, _COGNATE_ODDS = (4.0, -3.0), (3.0, -0.2)
# Both ask or neither does: 99.9% of published rows (put at 97%: translators rephrase) and 79% of swapped pairs.
_QUESTION_ODDS = {True: 0.2, False: -1.95}
_LENGTH_LIMITS = (-5.0, 2.0)  # the most that lengths alone may say


@dataclass(frozen=True)
class LengthModel:
    """Log length ratio of true pairs (mean, deviation) and the deviation of random pairs."""

    mean: float
    deviation: float
    chance_deviation: float

    def log_odds(self, text: str, source: str) -> float:
        """Log-odds of the length ratio: of a translation against another row's text."""
        distance = math.log(max(1, len(text)) / max(1, len(source))) - self.mean
        odds = math.log(self.chance_deviation / self.deviation)
        odds += 0.5 * (distance / self.chance_deviation) ** 2 - 0.5 * (distance / self.deviation) ** 2
        return min(max(odds, _LENGTH_LIMITS[0]), _LENGTH_LIMITS[1])


@dataclass(frozen=True)
class Lexicon:
    """Translations of stems, with supports, hit rates by support in both directions, and the length model.

    `translations` maps an English stem to its units; `stem_support` and `unit_support` count the pairs (of `pairs`) in
    which each was seen.
    """

    language: Language
    pairs: int
    translations: Mapping[str, frozenset[str]]
    stem_support: Mapping[str, int]
    unit_support: Mapping[str, int]
    stem_rates: Sequence[float]
    unit_rates: Sequence[float]
    lengths: LengthModel

    @cached_property
    def _forward(self) -> _Evidence:
        """Of English stems."""
        return _Evidence(self.translations, self.stem_support, self.unit_support, self.stem_rates, self.pairs)

    @cached_property
    def _backward(self) -> _Evidence:
        """Of units of the language."""
        sources: dict[str, set[str]] = {}
        for stem, units in self.translations.items():
            for unit in units:
                sources.setdefault(unit, set()).add(stem)
        return _Evidence(sources, self.unit_support, self.stem_support, self.unit_rates, self.pairs, to_english=True)

    def log_odds(self, text: str, source: str) -> float:
        """Natural log-odds that `text` is a translation of the English `source` rather than of another prompt."""
        stems, units = english_stems(source), target_units(text, self.language)
        forward, backward = self._forward, self._backward
        found: list[float] = []
        explained: set[str] = set()  # units that translate a stem of the prompt
        for stem in stems & forward.words:
            counterparts, present, absent = forward[stem]
            if translations := counterparts & units:
                explained |= translations
                found.append(present)
            else:
                found.append(absent)
        known = units & backward.words
        found += [backward[unit][1] for unit in known & explained]
        found += [backward[unit][2] for unit in known - explained]
        found += _names_odds(units - known if len(known) < len(units) else (), stems, self.language)
        # Both directions count the same matches, so each has half a say. fsum: the order of a set must not show.
        return math.fsum(found) / 2 + self.lengths.log_odds(text, source) + _question_odds(text, source)

    def units(self, text: str) -> frozenset[str]:
        """The units of a text, as they are counted."""
        return target_units(text, self.language)

    def points(self, unit: str) -> tuple[Iterable[str], float]:
        """English stems that a unit of a text may stand for, and how much likelier a prompt with one of them becomes by
        it, in nats; of a word in Latin letters that nothing is known of, the stem that it is itself."""
        if unit in self._backward.table:
            counterparts, present, absent = self._backward[unit]
            return counterparts, present - absent
        if len(unit) < _SHORTEST_NAME or not unit.isascii():
            return (), 0.0
        present, absent = _names_evidence(self.language)
        return (unit,), present - absent

    def says(self, word: str, text: str, others: Iterable[str] = ()) -> bool:
        """Whether `text` has a translation of an English word that is none of `others`: words that often stand together
        ("threatening message") are learnt as each other's translations, and so are prepositions."""
        found = self._counterparts(_stem(word)).intersection(target_units(text, self.language))
        units = {unit for unit in found if len(unit) >= self._shortest}
        return bool(units) and not units.issubset(frozenset().union(*map(self._counterparts, map(_stem, others))))

    @property
    def _shortest(self) -> int:
        return _SHORTEST_NAME if self.language.spaced and self.language.word_borders else 1

    def _counterparts(self, stem: str) -> frozenset[str]:
        return self.translations.get(stem, frozenset())

    def word_odds(self, english: Sequence[str], texts: Sequence[str]) -> Matrix:
        """Evidence of known words on every pair, in nats: English texts are rows, texts are columns."""
        stems = [english_stems(text) for text in english]
        units = [target_units(text, self.language) for text in texts]
        odds = _all_pairs(stems, units, self._forward) + _all_pairs(units, stems, self._backward).T
        return odds / np.float32(2)

    def to_tsv(self) -> str:
        """The file format: four lines of numbers, then a line per stem (support, translations), then a line per
        unit."""
        lengths = (self.lengths.mean, self.lengths.deviation, self.lengths.chance_deviation)
        lines = [f"pairs\t{self.pairs}"]
        lines += [
            "\t".join([name, *(f"{value:.3f}" for value in values)])
            for name, values in (("stem rates", self.stem_rates), ("unit rates", self.unit_rates), ("lengths", lengths))
        ]
        lines += [
            f"{stem}\t{self.stem_support[stem]}\t{' '.join(sorted(units))}"
            for stem, units in sorted(self.translations.items())
        ]
        lines.append("")
        used = sorted({unit for units in self.translations.values() for unit in units})
        lines += [f"{unit}\t{self.unit_support[unit]}" for unit in used]
        return "\n".join(lines) + "\n"

    @classmethod
    def from_tsv(cls, text: str, language: Language) -> Lexicon:
        """Read the format of `to_tsv`."""
        stems, units = (part.splitlines() for part in text.split("\n\n"))
        header, entries = stems[:4], [line.split("\t") for line in stems[4:]]
        numbers = [[float(value) for value in line.split("\t")[1:]] for line in header]
        return cls(
            language=language,
            pairs=int(numbers[0][0]),
            translations={stem: frozenset(words.split()) for stem, _, words in entries},
            stem_support={stem: int(support) for stem, support, _ in entries},
            unit_support={unit: int(support) for unit, support in (line.split("\t") for line in units)},
            stem_rates=tuple(numbers[1]),
            unit_rates=tuple(numbers[2]),
            lengths=LengthModel(*numbers[3]),
        )


class _Evidence(dict[str, tuple[frozenset[str], float, float]]):
    """word -> (its counterparts, log-odds where one is present, log-odds where none is), worked out when a text first
    holds the word: a lexicon knows ten thousands."""

    def __init__(
        self,
        table: Mapping[str, Collection[str]],
        support: Mapping[str, int],
        other_support: Mapping[str, int],
        rates: Sequence[float],
        pairs: int,
        to_english: bool = False,
    ) -> None:
        super().__init__()
        self.table, self.words = table, frozenset(table)
        self._support, self._other_support, self._rates, self._pairs = support, other_support, rates, pairs
        self._to_english = to_english

    def __missing__(self, word: str) -> tuple[frozenset[str], float, float]:
        counterparts = sorted(self.table[word])  # the order of a set must not show
        absent = 1.0
        for other in counterparts:
            absent *= 1 - min(0.9, (self._other_support.get(other, 0) + 0.5) / (self._pairs + 1))
        frequencies = stem_frequencies()
        common = 1.0
        for stem in counterparts if self._to_english else (word,):
            if stem in frequencies:
                common *= 1 - min(0.9, _SHARED_FORMS * frequencies[stem])
        chance = min(0.9, max(_LOWEST_CHANCE, 1 - absent, 1 - common))
        rate = min(_HIGHEST_RATE, max(self._rates[support_range(self._support.get(word, 1))], chance + 0.01))
        odds = math.log(rate / chance), math.log((1 - rate) / (1 - chance))
        self[word] = (frozenset(counterparts), *odds)
        return self[word]


def _all_pairs(
    bags: Sequence[frozenset[str]],
    others: Sequence[frozenset[str]],
    evidence: _Evidence,
) -> Matrix:
    """Evidence of the words in each bag (row) on each of the others (column)."""
    rows, columns = holders(bags), holders(others)
    known = [word for word in rows if word in evidence.table]
    odds = np.empty((len(known), len(others)), np.float32)
    for place, word in enumerate(known):
        counterparts, present, absent = evidence[word]
        odds[place] = absent
        for counterpart in counterparts:
            odds[place, columns.get(counterpart, [])] = present
    return held(rows, known, len(bags)) @ odds


def _names_odds(units: Iterable[str], stems: frozenset[str], language: Language) -> list[float]:
    """What units say that the lexicon does not know: words in Latin letters that the prompt has, or has not."""
    names = [unit for unit in units if len(unit) >= _SHORTEST_NAME and unit.isascii() and unit.isalpha()]
    if not names:
        return []
    present, absent = _names_evidence(language)
    beginnings = " ".join(["", *stems])
    whole = tuple([stem for stem in stems if len(stem) >= _SHORTEST_NAME])
    return [present if name.startswith(whole) or f" {name}" in beginnings else absent for name in names]


def _stem(word: str) -> str:
    return word[:ENGLISH_STEM]


def _names_evidence(language: Language) -> tuple[float, float]:
    return _FOREIGN_NAME_ODDS if language.script != LATIN else _COGNATE_ODDS


def _question_odds(text: str, source: str) -> float:
    """Evidence of whether both are questions or neither is, by question marks."""
    return _QUESTION_ODDS[source.rstrip().endswith("?") == any(mark in text for mark in QUESTION_MARKS)]


def support_range(support: int) -> int:
    """The range of support that a count falls into; the last is open."""
    return bisect_left(SUPPORT_RANGES, support)


def lexicon_for(code: str) -> Lexicon | None:
    """The lexicon of a language; None if it has none."""
    known = find_language(code)
    return known.lexicon if known else None


@lru_cache(maxsize=1)
def stem_frequencies() -> dict[str, float]:
    """The share of English prompts that contain each stem."""
    prompts, seen = _stem_counts()
    return {stem: count / prompts for stem, count in seen.items()}


@lru_cache(maxsize=1)
def stem_weights() -> tuple[dict[str, float], float]:
    """Inverse document frequency of English stems in prompts, and that of an unseen stem."""
    prompts, seen = _stem_counts()
    return {stem: math.log((prompts + 1) / (count + 0.5)) for stem, count in seen.items()}, math.log(2 * (prompts + 1))


def _stem_counts() -> tuple[int, dict[str, int]]:
    count, *lines = STEMS.read_text(encoding="utf-8").splitlines()
    return int(count), {stem: int(seen) for stem, seen in (line.split("\t") for line in lines)}


def english_overlap(left: str, right: str) -> float:
    """F1 of the stems that two English texts share, weighted by inverse document frequency, 0 to 1."""
    weights, unseen = stem_weights()
    one, other = english_stems(left), english_stems(right)
    total = math.fsum(map(weights.get, chain(one, other), repeat(unseen)))
    return 2 * math.fsum(map(weights.get, one & other, repeat(unseen))) / total if total else 0.0


def lexicon_signature() -> str:
    """The signature of all lexicons."""
    return f"lexicon-{packs_digest('lexicon.tsv', STEMS.name)}"
