"""py3langid's model, a naive Bayes classifier over byte sequences, read once per text: for the language of the whole,
for the odds between two languages, and for the part of a text that speaks for another one.

Every sequence known to the model adds the same to a language's log-likelihood wherever it is. So the stretch of a text
that speaks most for another language is the largest sum over consecutive words (Kadane's algorithm), without splitting
the text into sentences. A word counts for no more than _MOST_OF_A_WORD, so that no single word decides.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from polyrefuse_data.text.words import ARABIC_MARKS

Weights = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.intp]

# The line that stands for a dot in Yoruba: the model has hardly seen it, nor vowel signs in Arabic.
_LINE_BELOW, _DOT_BELOW = "\u0329", "\u0323"

_READINGS = 4096  # texts whose readings are kept: more than a batch, so that several checks read each text once
# Steps that texts take together, and how many of them it takes for that to be faster: a step costs the same for all.
_TOGETHER, _FEW = 600, 8
_SPACE, _THREE_BYTES = 0x20, 0xE0  # the byte that ends a word, and the least that opens a letter of Chinese or Thai
_WORD = 8  # sequences that make a word in scripts without spaces
_MOST_OF_A_WORD = 15.0  # nats; a French word in a German text reaches 26
_CHUNK = 32_768  # sequences that are summed up at once
_MOST_TIMES = 100_000  # that a sequence counts for in a text
_APART = 1e7  # more than a text's sequences ever add up to: keeps the sums of different texts apart


@dataclass(frozen=True)
class Reading:
    """The known sequences of a text in order, where each of its words starts among them, and for every column the
    log-likelihood and the probability, softened by the root of the length in bytes, as in py3langid, to stay
    calibrated."""

    sequences: Numbers
    words: list[int]
    scores: Weights
    probabilities: Weights


class _Chunk(NamedTuple):
    """Some texts as one: their rows and numbers of sequences; the sequences; where words start among the sequences, and
    texts among the words."""

    rows: list[int]
    sizes: list[int]
    sequences: Numbers
    words: Numbers
    texts: Numbers


class Model:
    """py3langid's own file. `labels` names the columns, some twice (one language in two scripts).

    `columns` gives the columns for some ISO 639 codes. Texts are best read many at once: the automaton that finds the
    sequences takes a step per byte, and all texts take it together.
    """

    def __init__(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        loaded: Any = LanguageIdentifier.from_model_file(MODEL_FILE)
        self.labels: list[str] = loaded.nb_classes
        self._weights = loaded.nb_ptc  # in half precision, which is slow: what is used is widened
        self._often = np.array([math.log1p(times) for times in range(_MOST_TIMES + 1)], dtype=np.float32)
        self._prior: Weights = loaded.nb_pc.astype(np.float32)
        self._next = np.asarray(loaded.tk_nextmove)  # state, by the row of the state before and a byte
        self._row = np.asarray(loaded.tk_row, dtype=np.intp) << 8
        self._found = np.asarray(loaded.tk_output, dtype=np.intp)  # the sequence that a state ends, or -1
        self._one_step = loaded.tk_nextmove, self._row.tolist(), loaded.tk_output  # the same for one text alone
        self._readings: dict[str, Reading] = {}
        # Bound to the instance, so that the caches live as long as it does.
        self.columns = lru_cache(maxsize=None)(self._columns)
        self._contrast = lru_cache(maxsize=2)(self._columns_alone)

    def _columns(self, codes: frozenset[str]) -> tuple[int, ...]:
        return tuple(place for place, label in enumerate(self.labels) if label in codes)

    def probability(self, text: str, wanted: frozenset[str]) -> tuple[str, float]:
        """(most probable label, probability that the language is one of `wanted`)."""
        found = self.read(text).probabilities
        return self.labels[int(found.argmax())], float(sum(found[column] for column in self.columns(wanted)))

    def likeliest(self, text: str) -> tuple[str, float]:
        """(most probable label, its probability, with two scripts of one language added up)."""
        found = self.read(text).probabilities
        label = self.labels[int(found.argmax())]
        return label, float(sum(found[column] for column in self.columns(frozenset({label}))))

    def read(self, text: str) -> Reading:
        """The model's reading of a text."""
        return self.read_all([text])[0]

    def read_all(self, texts: Sequence[str]) -> list[Reading]:
        """The model's reading of each text; cached for a while."""
        new = [text for text in dict.fromkeys(texts) if text not in self._readings]
        for text in list(islice(self._readings, max(0, len(self._readings) + len(new) - _READINGS))):
            del self._readings[text]  # the oldest
        new = [text for text in dict.fromkeys(texts) if text not in self._readings]
        if new:
            self._readings.update(zip(new, self._read(new), strict=True))
        return [self._readings[text] for text in texts]

    def _read(self, texts: Sequence[str]) -> Iterator[Reading]:
        data = [_bytes(text) for text in texts]
        sizes = np.array([len(text) for text in data], dtype=np.intp)
        ends = np.cumsum(sizes)
        letters = np.frombuffer(b"".join(data), dtype=np.uint8)
        found = self._walk(letters, ends - sizes, sizes)
        sequences = found[found >= 0]
        before = np.concatenate([[0], np.cumsum(found >= 0)])  # sequences that end before a byte
        bounds = before[np.concatenate([[0], ends])]
        words = _words(letters, before, ends, bounds)
        scores = self._scores(sequences, bounds)
        softened = scores / np.sqrt(np.maximum(sizes, 1))[:, None]
        shares = np.exp(softened - softened.max(axis=1, keepdims=True))
        shares = shares / shares.sum(axis=1, keepdims=True)
        shares = shares.astype(np.float32)  # without the bits that processors differ in
        for place, (start, end) in enumerate(pairwise(bounds.tolist())):
            yield Reading(sequences[start:end], words[place], scores[place], shares[place])

    def _walk(self, letters: npt.NDArray[np.uint8], starts: Numbers, sizes: Numbers) -> Numbers:
        """The sequence that ends at each byte of concatenated texts; -1 if none does."""
        found = np.empty(len(letters), dtype=np.intp)
        order = np.argsort(-sizes, kind="stable")
        starts, sizes = starts[order], sizes[order]
        longer = len(sizes) - np.cumsum(np.bincount(sizes))  # texts that go on after so many bytes
        states, steps = np.zeros(len(sizes), dtype=np.intp), 0
        for count in longer[:_TOGETHER].tolist():
            if count < _FEW:
                break
            places = starts[:count] + steps
            states = self._next[self._row[states[:count]] + letters[places]]
            found[places] = self._found[states]
            steps += 1
        following, rows, ended = self._one_step
        for start, size, state in zip(starts.tolist(), sizes.tolist(), states.tolist(), strict=False):
            rest = []
            for letter in letters[start + steps : start + size].tolist():
                state = following[rows[state] + letter]
                rest.append(ended[state])
            found[start + steps : start + size] = rest
        return found

    def _scores(self, sequences: Numbers, bounds: Numbers) -> Weights:
        """(text, column): log-likelihoods of texts whose sequences stand between `bounds`; 0 where one has none."""
        count = len(bounds) - 1
        texts = np.repeat(np.arange(count), np.diff(bounds))
        keys, times = np.unique(texts * len(self._weights) + sequences, return_counts=True)
        texts, sequences = np.divmod(keys, len(self._weights))
        # Rows of the table that are used stand together, and so in the processor's cache. Sums are in double precision,
        # where they are exact, as weights have 11 bits and factors 24: the same on every processor, in whatever order.
        place = np.zeros(len(self._weights), dtype=np.intp)
        place[sequences] = 1
        used = np.flatnonzero(place)
        place[used] = np.arange(len(used))
        weights, places = self._weights[used].astype(np.float64), place[sequences]
        often = self._often[np.minimum(times, _MOST_TIMES)].astype(np.float64)
        scores = np.zeros((count, len(self._prior)), dtype=np.float32)
        ends = np.searchsorted(texts, np.arange(count), side="right").tolist()
        start = 0
        for text, end in enumerate(ends):
            if end > start:
                scores[text] = often[start:end] @ weights[places[start:end]] + self._prior
            start = end
        return scores

    def longest_runs(
        self, texts: Sequence[str], own: Sequence[int], others: tuple[int, ...]
    ) -> npt.NDArray[np.float64]:
        """For each text, the most that a stretch of it speaks for one of the columns `others` rather than for the
        column `own` of its row: (texts,), in nats."""
        runs = np.zeros(len(texts))
        for chunk in self._chunks(texts):
            columns = np.repeat([own[row] for row in chunk.rows], chunk.sizes)
            contrast = (
                self._contrast(others)[chunk.sequences]
                - self._weights[chunk.sequences, columns].astype(np.float32)[:, None]
            )
            words = np.minimum(np.add.reduceat(contrast, chunk.words, axis=0), _MOST_OF_A_WORD)
            # A gap in front of each text, too deep for any stretch to cross.
            total = np.insert(words.astype(np.float64), chunk.texts, -_APART, axis=0).cumsum(axis=0)
            run = (total - np.minimum.accumulate(total, axis=0)).max(axis=1)
            runs[chunk.rows] = np.maximum.reduceat(run, chunk.texts + np.arange(len(chunk.texts)))
        return runs

    def _chunks(self, texts: Sequence[str]) -> Iterator[_Chunk]:
        rows: list[int] = []
        sequences: list[Numbers] = []
        words: list[int] = []
        starts: list[int] = []
        size = 0
        for row, reading in enumerate(self.read_all(texts)):
            if len(reading.sequences):
                rows.append(row)
                sequences.append(reading.sequences)
                starts.append(len(words))
                words += [size + start for start in reading.words]
                size += len(reading.sequences)
            if rows and (size >= _CHUNK or row == len(texts) - 1):
                sizes = [len(own) for own in sequences]
                yield _Chunk(rows, sizes, np.concatenate(sequences), np.array(words), np.array(starts))
                rows, sequences, words, starts, size = [], [], [], [], 0

    def _columns_alone(self, columns: tuple[int, ...]) -> Weights:
        return np.ascontiguousarray(self._weights[:, columns], dtype=np.float32)


def _bytes(text: str) -> bytes:
    """The text as the model reads it."""
    if text.isupper():
        text = text.lower()
    unmarked = ARABIC_MARKS.sub("", text).replace(_LINE_BELOW, _DOT_BELOW)
    return unicodedata.normalize("NFC", unmarked).encode("utf-8", "surrogatepass")


def _words(letters: npt.NDArray[np.uint8], before: Numbers, ends: Numbers, bounds: Numbers) -> list[list[int]]:
    """Where words start among the sequences of each text: after a space or, in scripts without spaces, after every
    _WORD of them."""
    breaks = np.flatnonzero((letters <= _SPACE) | (letters >= _THREE_BYTES))
    least = np.where(letters[breaks] <= _SPACE, 1, _WORD).tolist()
    counts = before[breaks + 1].tolist()
    found: list[list[int]] = []
    passed = 0
    for end, (first, last) in zip(np.searchsorted(breaks, ends).tolist(), pairwise(bounds.tolist()), strict=True):
        words, start = [], first
        for count, fewest in zip(counts[passed:end], least[passed:end], strict=True):
            if count - start >= fewest:
                words.append(start - first)
                start = count
        if last > start:
            words.append(start - first)
        passed = end
        found.append(words)
    return found


def model_name() -> str:
    """The model's name in signatures, told without loading it, which takes most of a second."""
    return f"py3langid-{version('py3langid')}"


@lru_cache(maxsize=1)
def model() -> Model:
    """The model, loaded once per process."""
    return Model()
