"""py3langid's model, a naive Bayes classifier over byte sequences, read once a text: for the language of the whole, for
the odds between two languages, and for the part of a text that speaks for another one.

Every sequence that the model knows adds the same to a language's log-likelihood wherever it stands; so the stretch of a
text that speaks most for another language is the largest sum over consecutive words (Kadane's algorithm), without
cutting the text into sentences first. A word counts for no more than _MOST_OF_A_WORD: no single one is a stretch.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float32]

# Marks that the model has hardly seen: vowel signs and lengthening in Arabic; the line that stands for a dot in Yoruba.
_VOWEL_SIGNS = re.compile("[\u0640\u064b-\u0652\u0670]")
_LINE_BELOW, _DOT_BELOW = "\u0329", "\u0323"

_READINGS = 8192  # texts whose readings are kept: two batches, so that several checks read each text once
_SPACE, _THREE_BYTES = 0x20, 0xE0  # the byte that ends a word, and the least that opens a letter of Chinese or Thai
_WORD = 8  # sequences that make a word in scripts without spaces
_MOST_OF_A_WORD = 15.0  # nats; a French word in a German text reaches 26
_CHUNK = 32_768  # sequences that are summed up at once
_APART = 1e7  # more than a text's sequences ever add up to: keeps the sums of different texts apart


@dataclass(frozen=True)
class Reading:
    """The known sequences of a text in order, where each word of it starts among them, its length in bytes and the
    log-likelihood of every column."""

    sequences: list[int]
    words: list[int]
    size: int
    scores: Weights

    @cached_property
    def probabilities(self) -> Weights:
        """Of every column; softened by the root of the length, as py3langid does, to stay calibrated."""
        scores = self.scores / np.float32(max(self.size, 1) ** 0.5)
        scores = np.exp(scores - scores.max())
        total: Weights = scores / scores.sum()
        return total


class _Chunk(NamedTuple):
    """Some texts as one: their rows and numbers of sequences; the sequences; where words start among the sequences, and
    texts among the words."""

    rows: list[int]
    sizes: list[int]
    sequences: npt.NDArray[np.intp]
    words: npt.NDArray[np.intp]
    texts: npt.NDArray[np.intp]


class Model:
    """py3langid's own file. `labels` names the columns, some twice (one language in two scripts).

    `read` reads a text; `columns` gives the columns that are one of some ISO 639 codes.
    """

    def __init__(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        loaded: Any = LanguageIdentifier.from_model_file(MODEL_FILE)
        self.name = f"py3langid-{version('py3langid')}"
        self.labels: list[str] = loaded.nb_classes
        self._weights: Weights = loaded.nb_ptc.astype(np.float32)  # half precision is slow to compute with
        self._prior: Weights = loaded.nb_pc.astype(np.float32)
        self._next, self._found = loaded.tk_nextmove, loaded.tk_output
        self._rows = [row << 8 for row in loaded.tk_row]
        # Bound to the instance, so that the caches live as long as it does.
        self.read = lru_cache(maxsize=_READINGS)(self._read)
        self.columns = lru_cache(maxsize=None)(self._columns)
        self._contrast = lru_cache(maxsize=2)(self._columns_alone)

    def _columns(self, codes: frozenset[str]) -> tuple[int, ...]:
        return tuple(place for place, label in enumerate(self.labels) if label in codes)

    def probability(self, text: str, wanted: frozenset[str]) -> tuple[str, float]:
        """(likeliest label, p that the language is one of `wanted`)."""
        found = self.read(text).probabilities
        return self.labels[int(found.argmax())], float(sum(found[column] for column in self.columns(wanted)))

    def _read(self, text: str) -> Reading:
        if text.isupper():
            text = text.lower()
        data = unicodedata.normalize("NFC", _VOWEL_SIGNS.sub("", text).replace(_LINE_BELOW, _DOT_BELOW)).encode(
            "utf-8", "surrogatepass"
        )
        following, rows, found = self._next, self._rows, self._found
        state, start = 0, 0
        sequences: list[int] = []
        words: list[int] = []
        for byte in data:
            state = following[rows[state] + byte]
            sequence = found[state]
            if sequence >= 0:
                sequences.append(sequence)
            if (byte <= _SPACE and len(sequences) > start) or (
                byte >= _THREE_BYTES and len(sequences) >= start + _WORD
            ):
                words.append(start)
                start = len(sequences)
        if not sequences:
            return Reading([], [], len(data), np.zeros_like(self._prior))
        if len(sequences) > start:
            words.append(start)
        counts = Counter(sequences)
        often = np.fromiter(counts.values(), np.float32, len(counts))
        scores = np.log1p(often) @ self._weights[np.fromiter(counts.keys(), np.intp, len(counts))]
        return Reading(sequences, words, len(data), scores + self._prior)

    def longest_runs(
        self, texts: Sequence[str], own: Sequence[int], others: tuple[int, ...]
    ) -> npt.NDArray[np.float64]:
        """For each text the most that a stretch of it speaks for one of the columns `others` rather than for the
        column `own` of its row: (texts,), in nats."""
        runs = np.zeros(len(texts))
        for chunk in self._chunks(texts):
            columns = np.repeat([own[row] for row in chunk.rows], chunk.sizes)
            contrast = self._contrast(others)[chunk.sequences] - self._weights[chunk.sequences, columns][:, None]
            words = np.minimum(np.add.reduceat(contrast, chunk.words, axis=0), _MOST_OF_A_WORD)
            # A gap in front of each text, too deep for any stretch to cross.
            total = np.insert(words.astype(np.float64), chunk.texts, -_APART, axis=0).cumsum(axis=0)
            run = (total - np.minimum.accumulate(total, axis=0)).max(axis=1)
            runs[chunk.rows] = np.maximum.reduceat(run, chunk.texts + np.arange(len(chunk.texts)))
        return runs

    def _chunks(self, texts: Sequence[str]) -> Iterator[_Chunk]:
        rows: list[int] = []
        sizes: list[int] = []
        sequences: list[int] = []
        words: list[int] = []
        starts: list[int] = []
        for row, text in enumerate(texts):
            if (reading := self.read(text)).sequences:
                rows.append(row)
                sizes.append(len(reading.sequences))
                starts.append(len(words))
                words += [len(sequences) + start for start in reading.words]
                sequences += reading.sequences
            if rows and (len(sequences) >= _CHUNK or row == len(texts) - 1):
                yield _Chunk(rows, sizes, *(np.array(part, np.intp) for part in (sequences, words, starts)))
                rows, sizes, sequences, words, starts = [], [], [], [], []

    def _columns_alone(self, columns: tuple[int, ...]) -> Weights:
        return np.ascontiguousarray(self._weights[:, columns])


@lru_cache(maxsize=1)
def model() -> Model:
    """The model, loaded once a process."""
    return Model()
