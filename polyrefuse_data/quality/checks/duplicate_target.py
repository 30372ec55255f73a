"""duplicate_target: one translation that stands for different prompts. All rows decide it together.

Of the rows that share a text, the one that it answers to best goes free. `tables` may be read anew each time that they
are gone through: eight bytes a row and the rows that share a text are held, never all texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from polyrefuse_data.quality.batch import make_batch, slices, texts
from polyrefuse_data.quality.checks.base import Check, Together
from polyrefuse_data.quality.correspondence import correspondence, correspondence_signature
from polyrefuse_data.quality.duplicates import groups_of_shared_targets, target_keys
from polyrefuse_data.quality.thresholds import Score, Threshold

_TEXTS = ("language", "text", "text_en", "back_translation")  # what tells whose translation a text is


def shared_targets(tables: Iterable[pa.Table], scores: Iterable[pa.Table] = ()) -> Score:
    """(rows of all tables,): 1 where the text stands for another prompt too and answers to that one better, else 0; NaN
    for rows that stand for no prompt (English, empty, without English)."""
    keys = np.concatenate([np.empty(0, np.uint64), *(_keys(table) for table in tables)])
    marked = np.where(keys == 0, np.nan, 0.0)
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    repeated = (counts[inverse] > 1) & (keys != 0)
    if not repeated.any():
        return marked
    part = _filtered(tables, repeated)
    places = np.flatnonzero(repeated)
    for group in groups_of_shared_targets(inverse[places], texts(part, "text_en")):
        odds = correspondence(make_batch(part.take(group)))
        marked[places[group]] = 1
        if not np.isnan(odds).all() and np.nanmax(odds) > 0:
            marked[places[group[int(np.nanargmax(odds))]]] = 0
    return marked


def _keys(table: pa.Table) -> npt.NDArray[np.uint64]:
    """A number for what each row says in its language; 0 where a row can share nothing."""
    columns = ("language", "text", "text_en")
    return np.concatenate([target_keys(*(texts(part, name) for name in columns)) for part in slices(table)])


def _filtered(tables: Iterable[pa.Table], mask: npt.NDArray[np.bool_]) -> pa.Table:
    """The rows of all tables where `mask` is True, with the columns that tell whose translation a text is."""
    parts, start = [], 0
    for table in tables:
        columns = [name for name in _TEXTS if name in table.column_names]
        parts.append(table.select(columns).filter(pa.array(mask[start : start + table.num_rows])))
        start += table.num_rows
    return pa.concat_tables(parts, promote_options="default")


@lru_cache(maxsize=1)
def _rapidfuzz() -> str:
    return version("rapidfuzz")


DUPLICATE_TARGET = Check(
    name="duplicate_target",
    description="The text is also the translation of another prompt, which it fits better.",
    together=Together("duplicate_target", shared_targets),
    settings=lambda: f"rapidfuzz-{_rapidfuzz()} {correspondence_signature()}",
    scores={"duplicate_target": "1 if it does, else 0; computed over the whole dataset"},
    thresholds=[
        Threshold(
            "duplicate_target", "duplicate_target", at_most=0, source="two prompts should not share a translation"
        )
    ],
)
