"""word_order.tsv of a language pack: which words follow one another more or less often than by chance.

It tells a text from a heap of the same words. The text is compared with its own words in every other order, so its
topic does not matter: where the table knows few of its words, nothing can be said.

Each frequent word is a class of its own, the others are grouped by their endings. In languages written without spaces,
characters take the place of words.
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
_WORDS, _ENDINGS, _ENDING = 150, 40, 2
_LEAST_SEEN = 2  # times that a pair was seen to be kept: single ones are half of the table and say little
_PRIOR = 0.5  # pairs that are added to what was seen and to what chance gives
_MOST = 3.0  # nats that a single pair may say
# How far the pairs of a new text are believed to be like those of the table (1: wholly). With less than 1, texts on
# other topics in another style are not called heaps.
_TRUST = 0.7
_FEW_HEAPS = 1.64  # standard deviations above chance: a twentieth of heaps are there, by the normal distribution

Classes = npt.NDArray[np.intp]


class _Ends(NamedTuple):
    """The classes with which each unit of a text begins and ends: `(yes),` begins and ends with punctuation."""

    first: Classes
    last: Classes


class WordOrder:
    """The table of one language."""

    def __init__(self, words: Sequence[str], endings: Sequence[str], pairs: Counter[tuple[int, int]], spaced: bool):
        self.words, self.endings, self.pairs = tuple(words), tuple(endings), pairs
        self._spaced = spaced
        self._classes = {word: number for number, word in enumerate(words)}
        self._by_ending = {ending: len(words) + number for number, ending in enumerate(endings)}
        self._other = len(words) + len(endings)

    def log_odds(self, text: str) -> float:
        """How much likelier (in nats) the words are to stand in this order in a text than in a heap of them. Near 0
        where nothing can be said, and not below it for an order that few heaps reach, however far it is from what the
        table would have: texts on other topics are."""
        ends = self._ends(text)
        count = len(ends.first)
        if count < (_SHORTEST if self._spaced else _SHORTEST_UNSPACED):
            return 0.0
        table = self._weights[np.ix_(ends.last, ends.first)]
        pairs = count * (count - 1)
        by_chance = (table.sum() - np.trace(table)) / pairs
        said = np.trace(table, offset=1) - (count - 1) * by_chance
        spread = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0, keepdims=True) + table.mean()
        np.fill_diagonal(spread, 0)
        variance = (spread**2).sum() / count  # of the sum over all orders (Hoeffding's combinatorial theorem)
        odds = float(_TRUST * said - _TRUST**2 * variance / 2)
        return max(odds, 0.0) if said > _FEW_HEAPS * variance**0.5 else odds

    def to_tsv(self) -> str:
        """Frequent words, endings, and a line for each class with what follows it how often."""
        rows: dict[int, list[str]] = {}
        for (left, right), times in sorted(self.pairs.items()):
            rows.setdefault(left, []).append(f"{right}:{times}")
        lines = [["words", *self.words], ["endings", *self.endings], *([str(left), *row] for left, row in rows.items())]
        return "\n".join("\t".join(line) for line in lines) + "\n"

    @classmethod
    def from_tsv(cls, content: str, spaced: bool) -> WordOrder:
        """Raises ConfigError for a file that `to_tsv` did not write."""
        try:
            (_, *words), (_, *endings), *rows = (line.split("\t") for line in content.splitlines())
            pairs: Counter[tuple[int, int]] = Counter()
            for left, *row in rows:
                for cell in row:
                    right, times = map(int, cell.split(":"))
                    pairs[int(left), right] = times
            if any(not 0 <= side < len(words) + len(endings) + 3 for pair in pairs for side in pair):
                raise ValueError
        except ValueError:
            raise ConfigError(f"{PART} is damaged: learn it again (benchmarks/word_order.py)") from None
        return cls(words, endings, pairs, spaced)

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
        return self._by_ending.get(word[-_ENDING:], self._other)

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
    """The table of a language from texts in it."""
    counts = Counter(word for text in texts for unit in _units(text, spaced) for word in unit)
    words = [word for word, _ in counts.most_common(_WORDS)]
    endings: Counter[str] = Counter()
    if spaced:
        for word, times in (counts - Counter(dict.fromkeys(words, counts.total()))).items():
            if word.isalpha() and len(word) > _ENDING:
                endings[word[-_ENDING:]] += times
    table = WordOrder(words, [ending for ending, _ in endings.most_common(_ENDINGS)], Counter(), spaced)
    table._count(texts)
    kept = Counter({pair: times for pair, times in table.pairs.items() if times >= _LEAST_SEEN})
    return WordOrder(table.words, table.endings, kept, spaced)


def _units(text: str, spaced: bool) -> list[list[str]]:
    """What stands between spaces, each as its words and marks; or the characters one by one."""
    plain = fold_letters(_MARKUP.sub(" ", text))
    if not spaced:
        return [[character] for character in _CHARACTERS.findall(plain)]
    return [tokens for unit in plain.split() if (tokens := _TOKENS.findall(unit))]
