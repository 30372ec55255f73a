"""Bags of words of many texts as matrices, so that every text can be compared with every other at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]


def holders(bags: Iterable[Collection[str]]) -> dict[str, list[int]]:
    """Word -> indices of the bags that contain it, in alphabetical order."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for place, bag in enumerate(bags):
        for word in bag:
            found[word].append(place)
    return dict(sorted(found.items()))


def held(where: Mapping[str, Sequence[int]], words: Sequence[str], count: int) -> Matrix:
    """1 if a bag (row, of `count`) contains a word (column); `where` is from `holders`."""
    matrix = np.zeros((count, len(words)), np.float32)
    for column, word in enumerate(words):
        matrix[where[word], column] = 1
    return matrix
