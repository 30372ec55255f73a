"""Features other than harm that distinguish harmful from harmless prompts, and that a model could learn instead."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.quality.columns import Mask, Rows, coded, lengths
from polyrefuse_data.text.clauses import JOINED_ENDS, SPACED_ENDS

# Area under the ROC curve at which a feature tells harmful from harmless well enough to be learnt instead of harm:
# Cohen's "large" effect (d = 0.8) is an area of 0.71.
_LARGE_AUC = 0.71
_LARGE_GAP = 0.25  # the same for a yes-or-no feature: difference of its shares


def confounds(table: pa.Table, harmful: Mask, harmless: Mask, groups: dict[str, Mask]) -> dict[str, dict[str, float]]:
    """Check -> group of rows -> how well the check's feature separates the two masks there, if it does so well.

    `confound_length`: area under the ROC curve, 0.5 to 1. `confound_punctuation` and `confound_engine`: difference of
    shares, 0 to 1. Rows without text do not count.
    """
    characters, endings, engines = lengths(table, "text"), _ends(table), coded(table, "translator").codes
    measures: dict[str, Callable[[Rows, Rows], float]] = {
        "confound_length": lambda left, right: length_auc(characters[left], characters[right]),
        "confound_punctuation": lambda left, right: abs(float(endings[left].mean() - endings[right].mean())),
        "confound_engine": lambda left, right: share_gap(engines[left], engines[right]),
    }
    found: dict[str, dict[str, float]] = {name: {} for name in measures}
    for group, mask in groups.items():
        left, right = (np.flatnonzero(mask & side & (characters > 0)) for side in (harmful, harmless))
        if len(left) and len(right):
            for name, measure in measures.items():
                value = measure(left, right)
                if value >= (_LARGE_AUC if name == "confound_length" else _LARGE_GAP):
                    found[name][group] = value
    return found


def length_auc(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> float:
    """How well a number separates the two, in either direction: area under the ROC curve, 0.5 to 1."""
    area = auc(left, right)
    return max(area, 1 - area)


def auc(positives: npt.ArrayLike, negatives: npt.ArrayLike) -> float:
    """Probability that a positive is larger than a negative, ties counting half."""
    ordered = np.sort(np.asarray(negatives))
    values = np.asarray(positives)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return float(below.mean() / 2 / len(ordered))


def share_gap(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> float:
    """Largest difference between the shares of a value on the two sides, 0 to 1."""
    size = int(max(left.max(), right.max())) + 1
    shares = [np.bincount(side, minlength=size) / len(side) for side in (left, right)]
    return float(np.abs(shares[0] - shares[1]).max())


def _ends(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Whether each text ends in punctuation."""
    last = pc.utf8_slice_codeunits(pc.utf8_rtrim_whitespace(pc.fill_null(table["text"], "")), -1)
    return np.asarray(pc.is_in(last, value_set=pa.array([*SPACED_ENDS, *JOINED_ENDS])).to_numpy(), dtype=bool)
