"""Subsets of a release: `parallel` and `matched`.

parallel: only prompts accepted in every language. matched: harmful and harmless prompts in pairs of similar length
within a split, so that length does not reveal the label.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.release.partition import Mask
from polyrefuse_data.rows import HARMFUL, HARMLESS, SPLITS, in_every_language, usable
from polyrefuse_data.system.input_files import regular_file

Numbers = np.ndarray[Any, np.dtype[np.int64]]

Subset = Literal["parallel", "matched"]
SUBSETS: tuple[Subset, ...] = get_args(Subset)

# Longer text of a pair over the shorter, in English characters. On the published PolyRefuse test split length tells
# harmful from harmless with an area under the ROC curve of 0.85; 0.56 among pairs up to 1.1, 0.52 up to 1.05.
MAX_LENGTH_RATIO = 1.05


def subset_rows(subset: str, keys: pa.Table, rows: Path) -> Mask:
    """Mask of the rows of rows.parquet (with key columns `keys`) that belong to a subset.

    Raises ConfigError for an unknown subset.
    """
    accepted: Mask = usable(keys).to_numpy()
    complete: Mask = in_every_language(keys, pa.array(accepted)).to_numpy()
    if subset == "parallel":
        return complete
    if subset == "matched":
        return _matched(keys, accepted, complete, _english_lengths(rows))
    raise ConfigError(f"no subset {subset!r}: --subset is {' or '.join(SUBSETS)}")


def _english_lengths(rows: Path) -> Numbers:
    with pq.ParquetFile(regular_file(rows)) as file:
        lengths = [pc.utf8_length(batch["text_en"]).fill_null(0) for batch in file.iter_batches(columns=["text_en"])]
    return np.concatenate([np.asarray(length, dtype=np.int64) for length in lengths])


def _matched(keys: pa.Table, accepted: Mask, complete: Mask, lengths: Numbers) -> Mask:
    """A row is in if its prompt has a mate that is accepted in the row's language too."""
    encoded = keys["id"].combine_chunks().dictionary_encode()
    prompt = encoded.indices.to_numpy()
    first = np.unique(prompt, return_index=True)[1]  # one row of each prompt, for what all its rows share
    mate = _mates(
        np.asarray(encoded.dictionary.to_pylist(), dtype=object),
        keys["split"].combine_chunks().take(pa.array(first)).to_pylist(),
        keys["label"].combine_chunks().take(pa.array(first)).to_pylist(),
        np.maximum.reduceat(lengths[np.argsort(prompt, kind="stable")], _starts(prompt)),
        complete[first],
    )
    mask = np.zeros(len(prompt), dtype=bool)
    for language in pc.unique(keys["language"]).to_pylist():
        here = pc.equal(keys["language"], language).to_numpy()
        has = np.zeros(len(mate) + 1, dtype=bool)  # the last place stands for "no mate"
        has[prompt[here & accepted]] = True
        has[-1] = False
        mask |= here & accepted & has[mate[prompt]]
    return mask


def _starts(prompt: Numbers) -> Numbers:
    return np.concatenate([[0], np.cumsum(np.bincount(prompt))[:-1]]).astype(np.int64)


def _mates(ids: Any, splits: list[str], labels: list[str], lengths: Numbers, complete: Mask) -> Numbers:
    """The number of each prompt's mate, -1 for none. Prompts complete in every language are paired first."""
    mate = np.full(len(ids), -1, dtype=np.int64)
    split, label = np.asarray(splits, dtype=object), np.asarray(labels, dtype=object)
    for name in SPLITS:
        for among in (complete, np.ones(len(ids), dtype=bool)):
            free = among & (mate < 0) & (split == name)
            harmful, harmless = (
                sorted(np.flatnonzero(free & (label == kind)).tolist(), key=lambda n: (lengths[n], ids[n]))
                for kind in (HARMFUL, HARMLESS)
            )
            for one, other in pair_by_length(harmful, harmless, lengths):
                mate[one], mate[other] = other, one
    return mate


def pair_by_length(one: list[int], other: list[int], lengths: Numbers) -> list[tuple[int, int]]:
    """As many pairs as possible from two lists sorted by length, each pair within MAX_LENGTH_RATIO."""
    pairs, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        a, b = lengths[one[i]], lengths[other[j]]
        if max(a, b) <= MAX_LENGTH_RATIO * min(a, b):
            pairs.append((one[i], other[j]))
            i, j = i + 1, j + 1
        elif a < b:
            i += 1
        else:
            j += 1
    return pairs
