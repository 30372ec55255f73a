"""The numbers of the quality report: the contents of summary.json and of the page."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.quality.columns import coded, readable
from polyrefuse_data.quality.dataset import dataset_findings
from polyrefuse_data.quality.provenance import provenance_of
from polyrefuse_data.quality.report.lengths import length_outliers, length_points
from polyrefuse_data.quality.report.meaning import least_certain
from polyrefuse_data.quality.report.origins import people_and_machines
from polyrefuse_data.quality.report.scores import Distribution, Scores, Sweep, distributions, scores_of, sweeps
from polyrefuse_data.quality.report.tries import engines, refusals, tries_of
from polyrefuse_data.quality.report.view import View
from polyrefuse_data.quality.report.worst import misidentified, rows_to_show, to_look_at
from polyrefuse_data.quality.thresholds import Thresholds
from polyrefuse_data.quality.verdicts import unjudged
from polyrefuse_data.rows import ACCEPTED, EDITED, REJECTED

NOT_CHECKED = "not checked"  # the status, in a report, of rows without a verdict


@dataclass(frozen=True)
class Report:
    """Everything on the page: `summary` is summary.json, the rest is chart data and rows that only the page has."""

    summary: dict[str, Any]
    distributions: list[Distribution]
    sweeps: list[Sweep]
    lengths: dict[str, npt.NDArray[np.float64]]  # language -> (row, [English characters, characters, outlier])
    rows: list[dict[str, Any]]
    meaning: list[dict[str, Any]]
    to_look_at: int  # rows that are rejected or flagged, of which `rows` are the worst


def build_report(
    table: pa.Table,
    *,
    unchecked: str = "",
    notice: str = "",
    scores: pa.Table | None = None,
    attempts: pa.Table | None = None,
    files: Sequence[Mapping[str, Any]] = (),
) -> Report:
    """The report on some rows (rows.SCHEMA). Pure: no files, no network.

    Signature and bounds are those in the metadata of the rows' schema. If there are none, or `unchecked` gives a
    reason, the rows have no verdicts and none are shown. `notice` is shown to readers.

    `scores` has one line per row (score_table.py); without it, only the five scores in the rows are used. `attempts` is
    a table of translation.attempts.ATTEMPT_SCHEMA, `files` is import.json.
    """
    provenance = provenance_of(table.schema)
    table = readable(table)
    if provenance is None or unchecked:
        provenance, scores = None, None
        notice = unchecked or "the rows have not been checked"
        table = unjudged(table, NOT_CHECKED)
    view = View(table, provenance.bounds if provenance else Thresholds({}))
    tries = tries_of(view, None if attempts is None else readable(attempts))
    numbers = scores_of(view, scores)
    swept, outliers, worst = sweeps(view, numbers), length_outliers(view), to_look_at(view)
    status = {name: int(view.status.is_(name).sum()) for name in (ACCEPTED, EDITED, REJECTED)}
    summary = {
        "rows": table.num_rows,
        "prompts": len(pc.unique(table["id"])),
        "parallel_prompts": len(pc.unique(table.filter(table["parallel"])["id"])),
        "status": status,
        "not_checked": int(view.status.is_(NOT_CHECKED).sum()),
        "notice": notice,
        "signature": provenance.signature if provenance else None,
        "config_sha256": provenance.config_sha256 if provenance else None,
        "rows_sha256": provenance.seal if provenance else None,
        "languages": {code: _language_line(view, code, numbers) for code in view.codes},
        "findings": [asdict(finding) for finding in dataset_findings(table, files)],
        "confusion": _confusion(view),
        "legend": provenance.legend if provenance else {},
        "thresholds": _thresholds(view),
        "sweeps": {sweep.threshold: {"steps": sweep.steps, "rejected": sweep.rejected} for sweep in swept},
        "engines": engines(view, tries),
        "people_and_machines": people_and_machines(view, numbers),
        "refusals": refusals(tries, "category"),
        "refusals_by_language": refusals(tries, "language"),
        "length_ratio_outliers": outliers,
    }
    return Report(
        summary=summary,
        distributions=distributions(view, numbers),
        sweeps=swept,
        lengths=length_points(view, {row["row"] for row in outliers}),
        rows=rows_to_show(view, worst, also={row["row"] for row in outliers} | set(misidentified(view).tolist())),
        meaning=least_certain(view, numbers),
        to_look_at=len(worst),
    )


def _language_line(view: View, code: str, scores: Scores) -> dict[str, Any]:
    rows = view.rows_of[code]
    chrf = _finite(scores, "chrf", rows)
    medians = {name: _finite(scores, name, rows) for name in ("language_confidence", "length_ratio")}
    return {
        "rows": len(rows),
        **{name: int(view.status.is_(name)[rows].sum()) for name in (ACCEPTED, EDITED, REJECTED)},
        "flags": dict(view.flag_counts[code].most_common()),
        "rejected_by_first_reason": dict(view.first_reasons[code].most_common()),
        "medians": {name: round(float(np.median(own)), 3) for name, own in medians.items() if len(own)},
        "scored": len(chrf),
        "chrf": round(float(chrf.mean(dtype=np.float64)), 1) if len(chrf) else None,
    }


def _finite(scores: Scores, name: str, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.floating]:
    own = scores[name][rows] if name in scores else np.empty(0)
    return np.asarray(own[np.isfinite(own)])


def _thresholds(view: View) -> dict[str, dict[str, Any]]:
    """Every threshold with its bounds (null: no bound) and the number of rows it rejects."""
    carried = sum(view.flag_counts.values(), Counter[str]())
    return {
        name: {
            "flag": row.flag,
            "score": row.score,
            "direction": "at least" if row.is_floor else "at most",
            "bound": _number(row.default),
            "bounds": {
                code: _number(bound)
                for code, bound in zip(view.codes, view.bounds.bounds(name, view.codes), strict=True)
            },
            "rejects": row.rejects,
            "source": row.source,
            "flagged": carried[row.flag],
            "rejected_by_it_alone": view.sole_reasons[row.flag],
        }
        for name, row in view.bounds.table.items()
    }


def _number(bound: float) -> float | None:
    return float(bound) if math.isfinite(bound) else None


def _confusion(view: View) -> dict[str, dict[str, int]]:
    """Language -> detected language -> rows, for rows that were identified."""
    detected = coded(view.table, "detected_language")
    found = {}
    for code, rows in sorted(view.rows_of.items()):
        counts = np.bincount(detected.codes[rows], minlength=len(detected.values))
        named = Counter(
            {name: int(count) for name, count in zip(detected.values, counts, strict=True) if name and count}
        )
        if named:
            found[code] = dict(sorted(named.items(), key=lambda item: (-item[1], item[0])))
    return found
