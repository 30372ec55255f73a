"""A sample of rows for reviewers: as many for each language, spread over strata so that rare kinds of rows are seen.

Drawing reads what tells rows apart, not their texts: of a million rows, only the drawn ones are ever in memory whole.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.inputs import inputs_of
from polyrefuse_data.quality.kept_scores import scores_of
from polyrefuse_data.quality.probability.evidence import P_GOOD
from polyrefuse_data.quality.score_table import numbers_of
from polyrefuse_data.system.shell import shell_word
from polyrefuse_data.text.counts import counted
from polyrefuse_data.workspace import Workspace

STRATA = ("verdict", "flag", P_GOOD, "source")
VERDICT = STRATA[0]

_KEYS = ["id", "language", "label", "split", "status", "source", "flags"]
_BANDS = 10  # of p_good: each a tenth wide

Codes = npt.NDArray[np.int64]  # a number for each row: alike where what it stands for is


def read_keys(workspace: Workspace, by: str) -> pa.Table:
    """Of every row of a workspace, what `draw` needs for these strata.

    Raises ConfigError for unknown strata, without rows, for rows without id or language, and for p_good without stored
    scores of these rows.
    """
    if by not in STRATA:
        raise ConfigError(f"cannot stratify by {by!r}: use {', '.join(STRATA)}")
    keys, inputs = [], []
    for part in workspace.row_parts():
        keys.append(part.select(_KEYS))
        if by == P_GOOD:
            inputs.append(inputs_of(part))
    table = pa.concat_tables(keys) if keys else workspace.read_rows().select(_KEYS)
    for name in ("id", "language"):
        if missing := table[name].null_count:
            those = counted(missing, "row has", "rows have")
            raise ConfigError(f"{workspace.rows}: {those} no {name}, so no decision on them could be kept")
    if by != P_GOOD:
        return table
    scores = scores_of(workspace.scores, np.concatenate(inputs)) if inputs else None
    if scores is None or P_GOOD not in scores.column_names:
        raise ConfigError(
            f"{workspace.path} has no {P_GOOD} scores: run `polyrefuse check {shell_word(workspace.path)}`"
        )
    return table.append_column(P_GOOD, pa.array(numbers_of(scores, P_GOOD)))


def draw(keys: pa.Table, *, size: int, seed: int, by: str) -> list[int]:
    """The places of `size` rows for each language, taken in turn from its strata; by language, then by id. The same for
    the same `seed`.

    Strata `by`: verdict (label, split and status), flag (of several, the rarest in the language), p_good (tenths), or
    source.
    """
    names, languages = _coded(keys["language"])
    strata = _strata(keys, languages, by)
    drawn: list[int] = []
    for code in sorted(names):
        own = np.flatnonzero(languages == names.index(code))
        groups = []
        for number, stratum in enumerate(np.unique(strata[own])):
            group = own[strata[own] == stratum]
            chosen = random.Random(f"{seed} {code} {number}").sample(range(len(group)), min(size, len(group)))
            groups.append(group[chosen])
        turns = [group[turn] for turn in range(max(map(len, groups))) for group in groups if turn < len(group)]
        ids = keys["id"].take(pa.array(turns[:size])).to_pylist()
        drawn += [int(place) for _, place in sorted(zip(ids, turns, strict=False))]
    return drawn


def read_drawn(workspace: Workspace, places: Sequence[int] | Codes) -> pa.Table:
    """The rows in these places, in this order."""
    order, parts, start = np.argsort(places, kind="stable"), [], 0
    wanted = np.asarray(places, dtype=np.int64)[order]
    for part in workspace.row_parts():
        here = wanted[np.searchsorted(wanted, start) : np.searchsorted(wanted, start + part.num_rows)]
        parts.append(part.take(pa.array(here - start)))
        start += part.num_rows
    table = pa.concat_tables(parts) if parts else workspace.read_rows()
    return table.take(pa.array(np.argsort(order, kind="stable")))


def _strata(keys: pa.Table, languages: Codes, by: str) -> Codes:
    if by == "flag":
        return _rarest_flags(keys["flags"], languages)
    if by == P_GOOD:
        tenths = np.floor(np.nan_to_num(keys[P_GOOD].to_numpy(), nan=-1) * _BANDS)  # what was not computed: a band too
        bands: Codes = np.clip(tenths, -1, _BANDS - 1).astype(np.int64)
        return bands
    if by == VERDICT:
        return _ranked(pc.binary_join_element_wise(keys["label"], keys["split"], keys["status"], "/"))
    return _ranked(keys[by])


def _rarest_flags(column: pa.ChunkedArray, languages: Codes) -> Codes:
    """Of each row, the flag that the fewest rows of its language carry; -1 without flags."""
    rows, flags = np.asarray(pc.list_parent_indices(column)), _ranked(pc.list_flatten(column))
    kinds = languages[rows] * (flags.max(initial=0) + 1) + flags
    order = np.lexsort((flags, np.bincount(kinds)[kinds], rows)) if len(rows) else rows
    flagged, first = np.unique(rows[order], return_index=True)
    rarest = np.full(len(languages), -1)
    rarest[flagged] = flags[order][first]
    return rarest


def _ranked(column: pa.ChunkedArray) -> Codes:
    """Numbers that sort as the texts do."""
    names, codes = _coded(column)
    return np.argsort(np.argsort(names))[codes] if names else codes


def _coded(column: pa.ChunkedArray) -> tuple[list[str], Codes]:
    """The different texts of a column, and for each row which it has; a null is an empty text."""
    encoded = pc.fill_null(column, "").dictionary_encode().combine_chunks()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)
