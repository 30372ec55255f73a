"""A sample of rows for reviewers: as many for each language, spread over strata so that rare kinds of rows are seen."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.batch import texts
from polyrefuse_data.quality.inputs import inputs_of
from polyrefuse_data.quality.kept_scores import scores_of
from polyrefuse_data.quality.probability.evidence import P_GOOD
from polyrefuse_data.quality.score_table import numbers_of
from polyrefuse_data.quality.thresholds import Score
from polyrefuse_data.workspace import Workspace

STRATA = ("verdict", "flag", P_GOOD, "source")
VERDICT = STRATA[0]

_BANDS = 10  # of p_good: each a tenth wide


def draw(workspace: Workspace, table: pa.Table, rows: Iterable[int], *, size: int, seed: int, by: str) -> list[int]:
    """`size` of the `rows` for each language, taken in turn from its strata; by language, then by id. The same for the
    same `seed`.

    Strata `by`: verdict (label, split and status), flag (of several, the rarest in the language), p_good (tenths; from
    the stored scores), or source. Raises ConfigError for any other, and if there are no such scores.
    """
    if by not in STRATA:
        raise ConfigError(f"no strata by {by!r}: use {', '.join(STRATA)}")
    places = np.fromiter(rows, np.int64)
    part = table.take(pa.array(places))
    ids, languages = texts(part, "id"), texts(part, "language")
    strata = _bands(_p_good(workspace, table)[places]) if by == P_GOOD else _strata(part, by)
    members: dict[str, dict[str, list[int]]] = {}
    for row, (code, stratum) in enumerate(zip(languages, strata, strict=True)):
        members.setdefault(code, {}).setdefault(stratum, []).append(row)
    drawn: list[int] = []
    for code in sorted(members):
        groups = [
            random.Random(f"{seed} {code} {number}").sample(group, min(size, len(group)))
            for number, (_, group) in enumerate(sorted(members[code].items()))
        ]
        longest = max(map(len, groups))
        turns = [row for turn in range(longest) for row in (group[turn] for group in groups if turn < len(group))]
        drawn += sorted(turns[:size], key=lambda row: ids[row])
    return [int(places[row]) for row in drawn]


def _strata(part: pa.Table, by: str) -> list[str]:
    if by == "flag":
        return _rarest_flags(part)
    if by == "source":
        return texts(part, "source")
    return list(map("/".join, zip(*(texts(part, name) for name in ("label", "split", "status")), strict=True)))


def _rarest_flags(part: pa.Table) -> list[str]:
    """Of each row, the flag that the fewest rows of its language carry; empty without flags."""
    languages, flags = texts(part, "language"), [row or () for row in part["flags"].to_pylist()]
    count = Counter((code, flag) for code, row in zip(languages, flags, strict=True) for flag in row)
    return [
        min(row, key=lambda flag: (count[code, flag], flag), default="")
        for code, row in zip(languages, flags, strict=True)
    ]


def _bands(values: Score) -> list[str]:
    """The tenth of each value; one of their own for those that were not computed."""
    return ["" if np.isnan(value) else str(min(int(value * _BANDS), _BANDS - 1)) for value in values]


def _p_good(workspace: Workspace, table: pa.Table) -> Score:
    scores = scores_of(workspace.scores, inputs_of(table))
    if scores is None or P_GOOD not in scores.column_names:
        raise ConfigError(f"{workspace.path} has no {P_GOOD} of its rows: run `polyrefuse check {workspace.path}`")
    return numbers_of(scores, P_GOOD)
