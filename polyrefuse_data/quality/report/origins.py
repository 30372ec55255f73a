"""People and machines compared on the same prompts: only prompts of which each translated a row."""

from __future__ import annotations

from typing import Any

import numpy as np

from polyrefuse_data.quality.columns import Rows, coded
from polyrefuse_data.quality.report.scores import Scores
from polyrefuse_data.quality.report.view import View
from polyrefuse_data.rows import ACCEPTED, EDITED, HUMAN, MACHINE

_SCORES = ("chrf", "language_confidence", "length_ratio", "p_good")


def people_and_machines(view: View, scores: Scores) -> dict[str, Any]:
    """Prompts with rows of both origins, and for each origin its rows, how many are kept, and the medians of scores.
    Empty if no prompt has both."""
    origin, prompt = coded(view.table, "origin"), coded(view.table, "id")
    by_origin = {name: np.flatnonzero(origin.is_(name)) for name in (HUMAN, MACHINE)}
    shared = np.intersect1d(*(prompt.codes[rows] for rows in by_origin.values()))
    if not len(shared):
        return {}
    compared = {name: rows[np.isin(prompt.codes[rows], shared)] for name, rows in by_origin.items()}
    return {"prompts": len(shared), **{name: _line(view, rows, scores) for name, rows in compared.items()}}


def _line(view: View, rows: Rows, scores: Scores) -> dict[str, Any]:
    kept = view.status.is_(ACCEPTED)[rows] | view.status.is_(EDITED)[rows]
    languages = sorted({view.language.values[code] for code in view.language.codes[rows]})
    return {"rows": len(rows), "kept": int(kept.sum()), "languages": languages, "medians": _medians(rows, scores)}


def _medians(rows: Rows, scores: Scores) -> dict[str, float]:
    own = {name: scores[name][rows] for name in _SCORES if name in scores}
    finite = {name: values[np.isfinite(values)] for name, values in own.items()}
    return {name: round(float(np.median(values)), 3) for name, values in finite.items() if len(values)}
