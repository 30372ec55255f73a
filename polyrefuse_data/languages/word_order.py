"""word_order.tsv of a language pack: which words follow one another more or less often than by chance.

It tells a text from a heap of the same words. The text is compared with its own words in every other order, so that its
topic matters little; where the table knows few of its words, nothing can be said.

Each frequent word is a class of its own. The others are grouped by how they end or how they begin, whichever tells
more: by the last syllable in Korean, by `ال` and the like in Arabic. In languages written without spaces, characters
take the place of words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.text.folding import fold_letters

PART = "word_order.tsv"

_MARKUP = re.compile(r"[*_#`|>]+")
_TOKENS = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|[^\w\s]")
_CHARACTERS = re.compile(r"[a-z0-9]+|\S")
_SHORTEST, _SHORTEST_UNSPACED = 15, 30  # words or characters, below which nothing is said
_LONGEST = 600  # words or characters that are looked at: the matrix of all their pairs has to fit into memory

# Classes of a table, besides the rarer words, punctuation and numbers.
_WORDS, _AFFIXES = 400, 80
_PRIOR = 1.0  # pairs that are added to what was seen and to what chance gives
_MOST = 3.0  # nats that a single pair may say

# In standard deviations of a heap's order, which lies around 0. A heap keeps below the first number in 27 of 28 cases,
# by the normal distribution; where text lies far above it, so may heaps, up to this share of what is expected of text.
_HEAPS_BELOW, _SHARE_OF_HEAPS = 1.8, 0.4
_SHORT, _SHORT_UNSPACED = 45, 90  # words or characters, below which a text is short


class _Texts(NamedTuple):
    """Where texts lie: around this share of what is expected of them, and seldom this far below that. Where that is
    among the heaps, a text is left alone."""

    share: float
    below: float


# Short texts say less of their order, and lie further below. Short is what is shorter than the texts that the bound of
# long ones was chosen on: one half of prompts, news and replies. docs/judges.md has what both give on the other half,
# and on texts that nothing was chosen on.
_LONG_TEXTS, _SHORT_TEXTS = _Texts(0.85, 1.0), _Texts(0.75, 1.75)
_LEAST_DEVIATION = 1e-6  # below, no order of the words is another

Classes = npt.NDArray[np.intp]


class _Grouping(NamedTuple):
    """What rarer words are grouped by."""

    name: str
    part: slice


_GROUPINGS = (
    _Grouping("last two letters", slice(-2, None)),
    _Grouping("last letter", slice(-1, None)),
    _Grouping("first two letters", slice(2)),
)
_LEAST_LETTERS = 2  # of words that are grouped
_TOGETHER = 4  # texts, to compare groupings on


class _Ends(NamedTuple):
    """The classes with which each unit of a text begins and ends: `(yes),` begins and ends with punctuation."""

    first: Classes
    last: Classes


class Order(NamedTuple):
    """How far a text's order of words is from what other orders of them have on average, in their standard deviations:
    as it was found, and as the table has it of text."""

    found: float
    expected: float
    is_short: bool = True

    @property
    def is_none(self) -> bool:
        """Whether the words are in the order of a heap, and text would be in another."""
        heaps_below = max(_HEAPS_BELOW, _SHARE_OF_HEAPS * self.expected)
        texts = _SHORT_TEXTS if self.is_short else _LONG_TEXTS
        return self.found < min(heaps_below, texts.share * self.expected - texts.below)


_UNKNOWN = Order(0.0, 0.0)


class WordOrder:
    """The table of one language: frequent words, what the others are grouped by, and how often which classes follow one
    another."""

    def __init__(
        self,
        words: Sequence[str],
        affixes: Sequence[str],
        pairs: Counter[tuple[int, int]],
        spaced: bool,
        grouping: _Grouping,
    ) -> None:
        self.words, self.affixes, self.pairs = tuple(words), tuple(affixes), pairs
        self._spaced, self._grouping = spaced, grouping
        self._classes = {word: number for number, word in enumerate(words)}
        self._by_affix = {affix: len(words) + number for number, affix in enumerate(affixes)}
        self._other = len(words) + len(affixes)

    def order(self, text: str) -> Order:
        """The order of a text's words. Nothing is expected of a text that is too short."""
        ends = self._ends(text)
        count = len(ends.first)
        if count < (_SHORTEST if self._spaced else _SHORTEST_UNSPACED):
            return _UNKNOWN
        table = self._weights[np.ix_(ends.last, ends.first)]
        by_chance = (table.sum() - np.trace(table)) / (count * (count - 1))
        said = np.trace(table, offset=1) - (count - 1) * by_chance
        spread = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0, keepdims=True) + table.mean()
        np.fill_diagonal(spread, 0)
        # Of the sum over all orders (Hoeffding's combinatorial theorem). As the table holds log-odds, it is also what a
        # text like those of the table would say.
        deviation = float(np.sqrt((spread**2).sum() / count))
        if deviation <= _LEAST_DEVIATION:
            return _UNKNOWN
        return Order(float(said) / deviation, deviation, count < (_SHORT if self._spaced else _SHORT_UNSPACED))

    def to_tsv(self) -> str:
        """Frequent words, groups of the others, and a line for each class with what follows it: `CLASS` once,
        `CLASS:TIMES` more often."""
        rows: dict[int, list[str]] = {}
        for (left, right), times in sorted(self.pairs.items()):
            rows.setdefault(left, []).append(f"{right}:{times}" if times > 1 else str(right))
        affixes = [self._grouping.name, *self.affixes]
        lines = [["words", *self.words], affixes, *([str(left), *row] for left, row in rows.items())]
        return "\n".join("\t".join(line) for line in lines) + "\n"

    @classmethod
    def from_tsv(cls, content: str, spaced: bool) -> WordOrder:
        """Raises ConfigError for a file that `to_tsv` did not write."""
        try:
            (_, *words), (name, *affixes), *rows = (line.split("\t") for line in content.splitlines())
            pairs: Counter[tuple[int, int]] = Counter()
            for left, *row in rows:
                for cell in row:
                    right, _, times = cell.partition(":")
                    pairs[int(left), int(right)] = int(times or 1)
            (grouping,) = (each for each in _GROUPINGS if each.name == name)
            classes = len(words) + len(affixes) + 3
            if any(not 0 <= side < classes for pair in pairs for side in pair):
                raise ValueError
        except ValueError:
            raise ConfigError(f"{PART} is damaged: learn it again (benchmarks/word_order.py)") from None
        return cls(words, affixes, pairs, spaced, grouping)

    def _ends(self, text: str) -> _Ends:
        units = _units(text, self._spaced)[:_LONGEST]
        return _Ends(*(np.array([self._class(unit[place]) for unit in units], dtype=np.intp) for place in (0, -1)))

    def _class(self, word: str) -> int:
        if (own := self._classes.get(word)) is not None:
            return own
        if word[0].isdigit():
            return self._other + 2
        if not word[0].isalpha():
            return self._other + 1
        return self._by_affix.get(word[self._grouping.part], self._other)

    @cached_property
    def _weights(self) -> npt.NDArray[np.float64]:
        """(left class, right class): log of how much oftener than by chance the pair was seen."""
        seen = np.zeros((self._other + 3, self._other + 3))
        for pair, times in self.pairs.items():
            seen[pair] = times
        chance = seen.sum(axis=1, keepdims=True) * seen.sum(axis=0, keepdims=True) / max(1.0, seen.sum())
        found: npt.NDArray[np.float64] = np.log((seen + _PRIOR) / (chance + _PRIOR)).clip(-_MOST, _MOST)
        return found

    def _count(self, texts: Iterable[str]) -> None:
        for text in texts:
            ends = self._ends(text)
            self.pairs.update(zip(ends.last[:-1].tolist(), ends.first[1:].tolist(), strict=True))


def learn_word_order(texts: Sequence[str], spaced: bool) -> WordOrder:
    """The table of a language from texts in it, those of one kind beside one another. Of the ways to group words, it
    takes the one by which the first half of the texts tells most of the order in the other half."""
    one, other = texts[: len(texts) // 2], texts[len(texts) // 2 :]
    shown = [" ".join(other[start : start + _TOGETHER]) for start in range(0, len(other), _TOGETHER)]

    def found(grouping: _Grouping) -> float:
        table = _learn(one, spaced, grouping)
        return sum(table.order(text).found for text in shown)

    return _learn(texts, spaced, max(_GROUPINGS, key=found) if spaced else _GROUPINGS[0])


def _learn(texts: Sequence[str], spaced: bool, grouping: _Grouping) -> WordOrder:
    counts = Counter(word for text in texts for unit in _units(text, spaced) for word in unit)
    words = [word for word, _ in counts.most_common(_WORDS)]
    affixes: Counter[str] = Counter()
    if spaced:
        for word, times in (counts - Counter(dict.fromkeys(words, counts.total()))).items():
            if word.isalpha() and len(word) > _LEAST_LETTERS:
                affixes[word[grouping.part]] += times
    table = WordOrder(words, [affix for affix, _ in affixes.most_common(_AFFIXES)], Counter(), spaced, grouping)
    table._count(texts)
    return table


def _units(text: str, spaced: bool) -> list[list[str]]:
    """What stands between spaces, each as its words and marks; or the characters one by one."""
    plain = fold_letters(_MARKUP.sub(" ", text))
    if not spaced:
        return [[character] for character in _CHARACTERS.findall(plain)]
    return [tokens for unit in plain.split() if (tokens := _TOKENS.findall(unit))]
