"""Proof that two lists of prompts run in parallel: row i of one is the translation of row i of the other.

Translations published without their English are only worth something if the English can be restored by row position,
and position alone proves nothing: two files of equal length may hold other prompts, or one row may be missing and the
rest shifted. Without a language model two things still tie a text to its translation: long prompts stay long, and
numbers, names and loan words stay as they are. Both are compared with what pairing the rows at random would give.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Standard deviations above random pairing. Of the 39 published files of PolyRefuse that need their English restored,
# the 37 parallel ones reach 11 or more and the two others (zh harmless) 0.4; the same files shifted by a row or
# shuffled stay below 2. Blocks of 20 rows reach 3.3 in every parallel file; shifted or shuffled, 1 in 100 reaches 3.
FILE_THRESHOLD = 5.0
BLOCK_THRESHOLD = 3.0
BLOCK_ROWS = 20

# Agreement (a sum of products of standardized log-lengths and of log(n / df) of shared words) that a run of rows may
# gain by being paired a row or two further on. In the 37 parallel files the best run gains 5.5 at most; where their
# last 8 rows are shifted by one it gains 15 in the median, 6.3 at least.
DISPLACED_THRESHOLD = 7.0
_DISPLACEMENTS = (1, -1, 2, -2)

# A rare name must not outweigh everything else that a row says: log(n / df) of a shared word counts up to here.
_WORD_CAP = 4.0

# Rows that are compared with each other: agreement is a matrix, of 72 MB with this many.
_PART_ROWS = 3000

# What survives translation into any script: numbers and words in ASCII letters.
_ANCHOR = re.compile(r"[0-9]+|[a-z]{3,}")

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Alignment:
    """How far the pairing by position stands above random pairing, in standard deviations."""

    file: float  # over all rows
    weakest_block: float  # over the worst block of BLOCK_ROWS rows, so that a shift half-way through is seen
    displaced: float = 0.0  # what the best run of rows would gain by a shift, so that one near an end is seen too

    @property
    def holds(self) -> bool:
        return self._above_chance and self.displaced < DISPLACED_THRESHOLD

    @property
    def _above_chance(self) -> bool:
        return self.file >= FILE_THRESHOLD and self.weakest_block >= BLOCK_THRESHOLD

    def __str__(self) -> str:
        shifted = ", but some rows fit better shifted" if self._above_chance and not self.holds else ""
        return f"{self.file:.1f} sd above chance, weakest block {self.weakest_block:.1f}{shifted}"


def alignment(english: Sequence[str], translated: Sequence[str]) -> Alignment:
    """Compare the pairing by position of two lists of equal length with random pairing of the same texts.

    A shift of fewer than about ten rows at the very end of a file cannot be seen. Long lists are compared in parts, of
    which each must hold, for every row is compared with every other one.
    """
    if len(english) != len(translated):
        raise ValueError(f"{len(english)} English texts and {len(translated)} translations cannot be aligned by row")
    parts = np.array_split(np.arange(len(english)), max(1, -(-len(english) // _PART_ROWS)))
    found = [_alignment([english[row] for row in part], [translated[row] for row in part]) for part in parts]
    return Alignment(
        min(part.file for part in found),
        min(part.weakest_block for part in found),
        max(part.displaced for part in found),
    )


def _alignment(english: Sequence[str], translated: Sequence[str]) -> Alignment:
    agreement = _agreement(english, translated)
    rows = np.arange(len(english))
    blocks = np.array_split(rows, max(1, len(rows) // BLOCK_ROWS))
    weakest = min(_above_chance(agreement, block) for block in blocks)
    return Alignment(_above_chance(agreement, rows), weakest, _displaced(agreement))


def _agreement(english: Sequence[str], translated: Sequence[str]) -> Matrix:
    """Agreement of every English text (row) with every translation (column): likeness of length + shared anchors.

    Less the column's mean: what a translation shares with every English text says nothing.
    """
    agreement = np.outer(_log_lengths(english), _log_lengths(translated)) + _shared_words(english, translated)
    centred: Matrix = agreement - agreement.mean(axis=0)
    return centred


def _log_lengths(texts: Sequence[str]) -> Matrix:
    lengths = np.log([len(text) + 1 for text in texts])
    spread = lengths.std()
    return (lengths - lengths.mean()) / spread if spread > 0 else np.zeros(len(texts))


def _shared_words(english: Sequence[str], translated: Sequence[str]) -> Matrix:
    where: defaultdict[str, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for side, texts in enumerate((english, translated)):
        for row, text in enumerate(texts):
            for word in _ANCHOR.findall(text.lower()):
                where[word][side].add(row)
    shared = np.zeros((len(english), len(translated)))
    for sources, targets in where.values():
        if sources and targets:
            shared[np.ix_(sorted(sources), sorted(targets))] += np.log(len(english) / len(sources))
    return np.minimum(shared, _WORD_CAP)


def _above_chance(agreement: Matrix, rows: npt.NDArray[np.int64]) -> float:
    """The agreement of `rows` paired by position, against each row paired with a translation drawn at random."""
    chosen = agreement[rows]
    spread = np.sqrt(chosen.var(axis=1).sum())
    if spread == 0:
        return 0.0
    excess = chosen[np.arange(len(rows)), rows] - chosen.mean(axis=1)
    return float(excess.sum() / spread)


def _displaced(agreement: Matrix) -> float:
    """The most that a run of neighbouring rows gains when it is paired with the translations a row or two away."""
    paired = np.diagonal(agreement)
    best = 0.0
    for step in _DISPLACEMENTS:
        gains = np.diagonal(agreement, step) - (paired[:-step] if step > 0 else paired[-step:])
        run = 0.0
        for gain in gains:  # the best sum of neighbours: a run that has lost everything starts anew
            run = max(0.0, run + float(gain))
            best = max(best, run)
    return best
