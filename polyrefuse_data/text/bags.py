"""Bags of words of many texts as matrices, so that every text is compared with every other one at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]


def holders(bags: Iterable[Collection[str]]) -> dict[str, list[int]]:
    """word -> the places of the bags that hold it, words in the order of the alphabet."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for place, bag in enumerate(bags):
        for word in bag:
            found[word].append(place)
    return dict(sorted(found.items()))


def held(where: Mapping[str, Sequence[int]], words: Sequence[str], count: int) -> Matrix:
    """1 where a bag (row, of `count`) holds a word (column); `where` is what `holders` says."""
    matrix = np.zeros((count, len(words)), np.float32)
    for column, word in enumerate(words):
        matrix[where[word], column] = 1
    return matrix
