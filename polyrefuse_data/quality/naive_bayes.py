"""py3langid's model, a naive Bayes classifier over byte sequences, read once a text: for the language of the whole, for
the odds between two languages, and for the part of a text that speaks for another one.

Every sequence that the model knows adds the same to a language's log-likelihood wherever it stands; so the stretch of a
text that speaks most for another language is the largest sum over consecutive sequences (Kadane), without cutting the
text into sentences first.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float32]

_READINGS = 8192  # texts whose readings are kept: two batches, so that several checks read each text once
_CHUNK = 32_768  # sequences that are summed up at once
_APART = 1e7  # more than a text's sequences ever add up to: keeps the sums of different texts apart


@dataclass(frozen=True)
class Reading:
    """The known sequences of a text in order, its length in bytes and the log-likelihood of every column."""

    sequences: list[int]
    size: int
    scores: Weights

    @cached_property
    def probabilities(self) -> Weights:
        """Of every column; softened by the root of the length, as py3langid does, to stay calibrated."""
        scores = self.scores / np.float32(max(self.size, 1) ** 0.5)
        scores = np.exp(scores - scores.max())
        total: Weights = scores / scores.sum()
        return total


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
        data = unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")
        following, rows, found = self._next, self._rows, self._found
        state, sequences = 0, []
        for byte in data:
            state = following[rows[state] + byte]
            sequence = found[state]
            if sequence >= 0:
                sequences.append(sequence)
        if not sequences:
            return Reading([], len(data), np.zeros_like(self._prior))
        counts = Counter(sequences)
        often = np.fromiter(counts.values(), np.float32, len(counts))
        scores = np.log1p(often) @ self._weights[np.fromiter(counts.keys(), np.intp, len(counts))]
        return Reading(sequences, len(data), scores + self._prior)

    def longest_runs(
        self, texts: Sequence[str], own: Sequence[int], others: tuple[int, ...]
    ) -> npt.NDArray[np.float64]:
        """For each text the most that a stretch of it speaks for one of the columns `others` rather than for the
        column `own` of its row: (texts,), in nats."""
        found = np.zeros(len(texts))
        for rows, sequences, starts in self._chunks(texts):
            contrast = self._contrast(others)[sequences].astype(np.float64)
            contrast -= self._weights[sequences, np.repeat([own[row] for row in rows], np.diff(starts))][:, None]
            contrast[starts[:-1]] = -_APART  # the first of each text is a gap
            total = contrast.cumsum(axis=0)
            runs = (total - np.minimum.accumulate(total, axis=0)).max(axis=1)
            found[rows] = np.maximum.reduceat(runs, starts[:-1])
        return found

    def _chunks(self, texts: Sequence[str]) -> Iterator[tuple[list[int], npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
        """(rows, their sequences with a gap in front of each row's, where each row's start and the last one's end)."""
        rows: list[int] = []
        sequences: list[int] = []
        starts = [0]
        for row, text in enumerate(texts):
            rows.append(row)
            sequences += [0, *self.read(text).sequences]
            starts.append(len(sequences))
            if len(sequences) >= _CHUNK or row == len(texts) - 1:
                yield rows, np.array(sequences, np.intp), np.array(starts, np.intp)
                rows, sequences, starts = [], [], [0]

    def _columns_alone(self, columns: tuple[int, ...]) -> Weights:
        return np.ascontiguousarray(self._weights[:, columns])


@lru_cache(maxsize=1)
def model() -> Model:
    """The model, loaded once a process."""
    return Model()
