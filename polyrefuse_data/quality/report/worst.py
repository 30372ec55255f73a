"""The rows to look at. A page cannot hold all rows of a large dataset, so it shows the worst of each problem."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from polyrefuse_data.quality.batch import texts
from polyrefuse_data.quality.columns import Rows, coded
from polyrefuse_data.quality.report.view import View
from polyrefuse_data.rows import ACCEPTED, REJECTED, SCORES

MOST_ROWS_SHOWN = 1500  # all of them would make the page of a large dataset unusable
LONGEST_SHOWN = 1200  # characters of a text in the page
_OF_EACH_KIND = 20  # rows of each language and first flag that are shown before any others
_OF_EACH_CONFUSION = 3  # rows of each language and other language that it was taken for

_TEXTS = ("id", "language", "label", "split", "text", "text_en", "back_translation", "category", "translator")


def to_look_at(view: View) -> Rows:
    """Rows that are rejected or flagged: rejected ones first, then by number of flags."""
    flags = np.bincount(view.flags.rows, minlength=view.size)
    rows = np.flatnonzero((flags > 0) | ~view.status.is_(ACCEPTED))
    return np.asarray(rows[np.lexsort((rows, -flags[rows], ~view.status.is_(REJECTED)[rows]))])


def misidentified(view: View) -> Rows:
    """Some rows for each pair of language and other language identified."""
    detected = coded(view.table, "detected_language")
    places = {code: place for place, code in enumerate(detected.values)}
    own = np.array([places.get(code, -1) for code in view.language.values], dtype=np.int64)
    named = np.array([bool(code) for code in detected.values], dtype=bool)
    rows = np.flatnonzero((detected.codes != own[view.language.codes]) & named[detected.codes])
    kinds = view.language.codes[rows] * len(detected.values) + detected.codes[rows]
    return np.asarray(rows[rank_within(kinds) < _OF_EACH_CONFUSION])


def rows_to_show(view: View, rows: Rows, also: Collection[int] = ()) -> list[dict[str, Any]]:
    """The cells of at most MOST_ROWS_SHOWN of `rows` (worst first), followed by the rows `also`.

    First the worst rows of each language and first flag; if there is room, all rejected rows, then the rest.
    """
    kinds = view.language.codes[rows] * (len(view.flags.names) + 1) + _first_flag(view)[rows]
    rank = rank_within(kinds)
    group = np.where(rank < _OF_EACH_KIND, 0, np.where(view.status.is_(REJECTED)[rows], 1, 2))
    chosen = np.sort(np.lexsort((rank, group))[:MOST_ROWS_SHOWN])
    shown = [*dict.fromkeys([*rows[chosen].tolist(), *sorted(also)])]
    part = view.table.take(pa.array(shown, pa.int64()))
    cells: dict[str, list[Any]] = {name: [text[:LONGEST_SHOWN] for text in texts(part, name)] for name in _TEXTS}
    cells |= {"status": texts(part, "status"), "detected": texts(part, "detected_language")}
    cells |= {name: [_rounded(value) for value in part[name].to_pylist()] for name in SCORES}
    cells["reason"] = [view.reason_of(row) for row in shown]
    cells["flags"] = [flags or [] for flags in part["flags"].to_pylist()]
    return [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]


def _first_flag(view: View) -> npt.NDArray[np.int64]:
    """The code of each row's first flag, from 1; 0 if it has none."""
    codes = np.zeros(view.size, dtype=np.int64)
    rows, first = np.unique(view.flags.rows, return_index=True)
    codes[rows] = view.flags.codes[first] + 1
    return codes


def rank_within(kinds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many entries of the same kind precede each one."""
    order = np.argsort(kinds, kind="stable")
    starts = np.searchsorted(kinds[order], kinds[order])
    rank = np.empty(len(kinds), dtype=np.int64)
    rank[order] = np.arange(len(kinds)) - starts
    return rank


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 3)
