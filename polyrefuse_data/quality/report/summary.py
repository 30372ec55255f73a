"""The numbers of the quality report: counts, distributions, sweeps, confusion, engines, and the rows to look at."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from polyrefuse_data.config import QualityConfig
from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.quality.auditing import BATCH_ROWS, audit, quality_config, score
from polyrefuse_data.quality.batch import make_batch, texts
from polyrefuse_data.quality.checks import checks_for
from polyrefuse_data.quality.checks.base import Check, Score
from polyrefuse_data.quality.dataset import dataset_findings
from polyrefuse_data.quality.signatures import signature
from polyrefuse_data.quality.thresholds import Threshold, Thresholds, thresholds
from polyrefuse_data.rows import ACCEPTED, EDITED, REJECTED

MOST_ROWS_SHOWN = 1500  # rows in the page's browser: all of them would make the page of a large dataset unusable
LONGEST_SHOWN = 1200  # characters of a text in the page
_BINS = 40
_SWEEP_STEPS = 25
_OUTLIERS = 4  # rows a language and direction

Codes = list[str]


@dataclass(frozen=True)
class Distribution:
    """Histogram of a score by language over common bins, and the bounds in force."""

    score: str
    edges: list[float]
    counts: dict[str, list[int]]
    bounds: dict[str, list[tuple[str, float]]]  # language -> (threshold name, bound)


@dataclass(frozen=True)
class Sweep:
    """Rows of each language that a threshold alone would reject, were its bound at each step."""

    threshold: str
    score: str
    is_floor: bool
    steps: list[float]
    rejected: dict[str, list[int]]
    current: dict[str, float]


@dataclass(frozen=True)
class Report:
    """Everything the page shows: `summary` is summary.json, the rest are chart data and rows that only the page has."""

    summary: dict[str, Any]
    distributions: list[Distribution]
    sweeps: list[Sweep]
    lengths: dict[str, npt.NDArray[np.float64]]  # language -> (row, [English characters, characters, outlier])
    rows: list[dict[str, Any]]


def build_report(
    table: pa.Table,
    config: QualityConfig | Mapping[str, Any] | None = None,
    *,
    attempts: pa.Table | None = None,
    files: Sequence[Mapping[str, Any]] = (),
) -> Report:
    """Everything that is reported of some rows (rows.SCHEMA). Pure: no file, no network."""
    settings = quality_config(config)
    bounds = thresholds(settings)
    if not _is_audited(table):
        table = audit(table, settings)
    scores = _all_scores(table, checks_for(settings))
    languages = texts(table, "language")
    codes = sorted(set(languages), key=lambda code: (code != SOURCE_LANGUAGE, code))
    status = texts(table, "status")
    flags = [row or [] for row in table["flags"].to_pylist()]
    rejecting = {row.flag for row in bounds.table.values() if row.rejects}
    shown_only = {row.flag for row in bounds.table.values()} - rejecting
    sweeps = [_sweep(name, row, scores, languages, codes, bounds) for name, row in _continuous(bounds, scores)]
    outliers = _length_outliers(table, scores, languages, codes)
    summary = {
        "rows": table.num_rows,
        "prompts": len(pc.unique(table["id"])),
        "parallel_prompts": len(pc.unique(table.filter(table["parallel"])["id"])),
        "status": {name: status.count(name) for name in (ACCEPTED, EDITED, REJECTED)},
        "signature": signature(settings),
        "config_sha256": hashlib.sha256(json.dumps(settings.model_dump(), sort_keys=True).encode()).hexdigest(),
        "languages": {code: _language_line(code, languages, status, flags, scores, shown_only) for code in codes},
        "findings": [asdict(finding) for finding in dataset_findings(table, files)],
        "confusion": _confusion(table, languages),
        "thresholds": {name: _describe(row, bounds, name, codes) for name, row in bounds.table.items()},
        "sweeps": {sweep.threshold: {"steps": sweep.steps, "rejected": sweep.rejected} for sweep in sweeps},
        "engines": _engines(table, attempts, languages, status),
        "refusals": _refusals(attempts),
        "length_ratio_outliers": outliers,
    }
    return Report(
        summary=summary,
        distributions=[_distribution(name, scores[name], languages, codes, bounds) for name in _shown_scores(scores)],
        sweeps=sweeps,
        lengths=_lengths(table, languages, codes, {row["row"] for row in outliers}),
        rows=_rows_to_show(table, status, flags),
    )


def _is_audited(table: pa.Table) -> bool:
    known = {"language_confidence", "flags", "status", "parallel", "detected_language"} <= set(table.column_names)
    return known and (table["language_confidence"].null_count < table.num_rows or table.num_rows == 0)


def _all_scores(table: pa.Table, checks: Sequence[Check]) -> dict[str, Score]:
    starts = tqdm(range(0, max(table.num_rows, 1), BATCH_ROWS), "scores", disable=None)
    parts = [score(make_batch(table.slice(start, BATCH_ROWS)), checks).numbers for start in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _continuous(bounds: Thresholds, scores: Mapping[str, Score]) -> list[tuple[str, Threshold]]:
    """Thresholds whose sweep shows something: on scores that were computed and are more than yes or no or a count."""
    return [
        (name, row) for name, row in bounds.table.items() if row.score in scores and _is_continuous(scores[row.score])
    ]


def _is_continuous(values: Score) -> bool:
    known = values[~np.isnan(values)]
    return len(np.unique(known)) > 8 and bool((known % 1 != 0).any())


def _shown_scores(scores: Mapping[str, Score]) -> list[str]:
    order = ["length_ratio", "chrf", "bleu", "language_confidence", "copy_ratio", "english_run", "repetition"]
    return [name for name in order if name in scores and not np.isnan(scores[name]).all()]


def _language_line(
    code: str,
    languages: Codes,
    status: list[str],
    flags: list[list[str]],
    scores: Mapping[str, Score],
    shown_only: Collection[str],
) -> dict[str, Any]:
    """Counts of a language; `shown_only` are flags that reject no row, and so are no reason."""
    rows = [index for index, other in enumerate(languages) if other == code]
    counted: Counter[str] = Counter(flag for index in rows for flag in flags[index])
    reasons: Counter[str] = Counter()
    for index in rows:
        if status[index] == REJECTED:
            reasons[next((flag for flag in flags[index] if flag not in shown_only), "other")] += 1
    medians = {
        name: _rounded(np.nanmedian(values[rows]))
        for name, values in scores.items()
        if name in ("language_confidence", "length_ratio") and rows and not np.isnan(values[rows]).all()
    }
    chrf = scores["chrf"][rows]
    scored = int((~np.isnan(chrf)).sum())
    return {
        "rows": len(rows),
        "accepted": sum(status[index] == ACCEPTED for index in rows),
        "edited": sum(status[index] == EDITED for index in rows),
        "rejected": sum(status[index] == REJECTED for index in rows),
        "flags": dict(counted.most_common()),
        "rejected_by_first_reason": dict(reasons.most_common()),
        "medians": medians,
        "scored": scored,
        "chrf": _rounded(np.nanmean(chrf), 1) if scored else None,
    }


def _describe(row: Threshold, bounds: Thresholds, name: str, codes: Codes) -> dict[str, Any]:
    return {
        "flag": row.flag,
        "score": row.score,
        "direction": "at least" if row.is_floor else "at most",
        "bounds": dict(zip(codes, bounds.bounds(name, codes).tolist(), strict=True)),
        "rejects": row.rejects,
        "source": row.source,
    }


def _confusion(table: pa.Table, languages: Codes) -> dict[str, dict[str, int]]:
    """language -> detected language -> rows; English rows are not identified."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for code, detected in zip(languages, table["detected_language"].to_pylist(), strict=True):
        if detected:
            found[code][detected] += 1
    return {code: dict(counts.most_common()) for code, counts in sorted(found.items())}


def _distribution(name: str, values: Score, languages: Codes, codes: Codes, bounds: Thresholds) -> Distribution:
    low, high = np.nanquantile(values, [0.001, 0.999])
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    owner = np.array(languages)
    counts = {}
    for code in codes:
        own = values[owner == code]
        own = own[~np.isnan(own)]
        if len(own):
            counts[code] = np.histogram(np.clip(own, edges[0], edges[-1]), edges)[0].tolist()
    marks = {
        code: [
            (threshold, float(bounds.bounds(threshold, [code])[0]))
            for threshold, row in bounds.table.items()
            if row.score == name
        ]
        for code in counts
    }
    return Distribution(name, [_rounded(edge, 5) for edge in edges], counts, marks)


def _sweep(
    name: str, row: Threshold, scores: Mapping[str, Score], languages: Codes, codes: Codes, bounds: Thresholds
) -> Sweep:
    """Steps run over the part of the range where rows begin to be lost, and always cover the bounds in force."""
    values = scores[row.score]
    current = bounds.bounds(name, codes)
    tail = np.nanquantile(values, [0.0005, 0.2] if row.is_floor else [0.8, 0.9995])
    steps = np.linspace(min(tail[0], *current), max(tail[1], *current), _SWEEP_STEPS)
    owner = np.array(languages)
    rejected = {}
    for code in codes:
        own = np.sort(values[(owner == code) & ~np.isnan(values)])
        if len(own):
            below = np.searchsorted(own, steps, "left")
            within = np.searchsorted(own, steps, "right")
            rejected[code] = (below if row.is_floor else len(own) - within).tolist()
    bound_of = {code: float(bound) for code, bound in zip(codes, current, strict=True) if code in rejected}
    return Sweep(name, row.score, row.is_floor, [_rounded(step, 5) for step in steps], rejected, bound_of)


def _length_outliers(
    table: pa.Table, scores: Mapping[str, Score], languages: Codes, codes: Codes
) -> list[dict[str, Any]]:
    """The shortest and longest translations of each language, in robust standard deviations of the log ratio."""
    ratios = scores["length_ratio"]
    owner, ids = np.array(languages), texts(table, "id")
    found: list[dict[str, Any]] = []
    for code in codes:
        rows = np.flatnonzero((owner == code) & (ratios > 0))
        if len(rows) < 10:
            continue
        logs = np.log(ratios[rows])
        spread = 1.4826 * float(np.median(np.abs(logs - np.median(logs)))) or 1.0
        deviation = (logs - np.median(logs)) / spread
        order = np.argsort(deviation, kind="stable")
        for place in [*order[:_OUTLIERS], *order[-_OUTLIERS:]]:
            if abs(deviation[place]) > 3:
                row = int(rows[place])
                found.append(
                    {
                        "row": row,
                        "id": ids[row],
                        "language": code,
                        "length_ratio": _rounded(ratios[row]),
                        "deviation": _rounded(deviation[place], 1),
                    }
                )
    return sorted(found, key=lambda item: (-abs(item["deviation"]), item["id"], item["language"]))


def _lengths(table: pa.Table, languages: Codes, codes: Codes, outliers: set[int]) -> dict[str, npt.NDArray[np.float64]]:
    """Points of the length charts: every outlier and an even sample of the other rows."""
    english = np.array([len(text.strip()) for text in texts(table, "text_en")], dtype=np.float64)
    own = np.array([len(text.strip()) for text in texts(table, "text")], dtype=np.float64)
    marked = np.isin(np.arange(len(own)), list(outliers)).astype(np.float64)
    owner = np.array(languages)
    points = {}
    for code in codes:
        rows = np.flatnonzero((owner == code) & (english > 0) & (own > 0))
        if code == SOURCE_LANGUAGE or not len(rows):
            continue
        sampled = rows[:: max(1, len(rows) // 300)]
        chosen = np.union1d(sampled, rows[marked[rows] > 0])
        points[code] = np.stack([english[chosen], own[chosen], marked[chosen]], axis=1)
    return points


def _engines(
    table: pa.Table, attempts: pa.Table | None, languages: Codes, status: list[str]
) -> dict[str, dict[str, Any]]:
    """Translator -> rows it made, how many were accepted, at which attempt; with attempts.parquet also its tries."""
    made: dict[str, dict[str, Any]] = {}
    translators = texts(table, "translator")
    number = table["attempts"].fill_null(0).to_pylist() if "attempts" in table.column_names else [0] * len(status)
    for translator, code, state, attempt in zip(translators, languages, status, number, strict=True):
        if code == SOURCE_LANGUAGE or not translator:
            continue
        line = made.setdefault(translator, _engine_line())
        line["rows"] += 1
        line["accepted"] += state != REJECTED
        line["won_by_repair"] += state != REJECTED and attempt > 1
    for attempt_row in [] if attempts is None else attempts.to_pylist():
        line = made.setdefault(attempt_row["translator"] or "", _engine_line())
        line["tries"] += 1
        line["outcomes"][attempt_row["outcome"]] = line["outcomes"].get(attempt_row["outcome"], 0) + 1
        line["fall_backs"] += attempt_row["attempt"] > 1
    return {name: made[name] for name in sorted(made)}


def _engine_line() -> dict[str, Any]:
    return {"rows": 0, "accepted": 0, "won_by_repair": 0, "tries": 0, "fall_backs": 0, "outcomes": {}}


def _refusals(attempts: pa.Table | None) -> dict[str, dict[str, int]]:
    """Category -> tries, and tries that the translator declined: refusals are not spread evenly."""
    found: dict[str, dict[str, int]] = {}
    for row in [] if attempts is None else attempts.to_pylist():
        line = found.setdefault(row["category"] or row.get("label") or "none", {"tries": 0, "refused": 0})
        line["tries"] += 1
        line["refused"] += any("refus" in reason for reason in row.get("reasons") or [])
    return {name: found[name] for name in sorted(found, key=lambda name: (-found[name]["refused"], name))}


def _rows_to_show(table: pa.Table, status: list[str], flags: list[list[str]]) -> list[dict[str, Any]]:
    """Rejected rows first, those with most flags before the others, then rows that only carry a flag."""
    ids, languages = texts(table, "id"), texts(table, "language")
    flagged = [index for index, row in enumerate(flags) if row or status[index] != ACCEPTED]
    flagged.sort(key=lambda index: (status[index] != REJECTED, -len(flags[index]), ids[index], languages[index]))
    chosen = flagged[:MOST_ROWS_SHOWN]
    columns = ["id", "language", "label", "split", "text", "text_en", "back_translation", "category", "translator"]
    part = table.take(pa.array(chosen, pa.int64()))
    cells = {name: [text[:LONGEST_SHOWN] for text in texts(part, name)] for name in columns if name != "label"}
    cells["label"] = _labels(part)
    scores = {
        name: part[name].to_pylist() for name in ("chrf", "bleu", "language_confidence", "length_ratio", "copy_ratio")
    }
    return [
        {name: values[place] for name, values in cells.items()}
        | {name: None if values[place] is None else _rounded(values[place]) for name, values in scores.items()}
        | {"flags": flags[index], "status": status[index], "detected": part["detected_language"][place].as_py()}
        for place, index in enumerate(chosen)
    ]


def _labels(table: pa.Table) -> list[str]:
    from polyrefuse_data.rows import LABELS

    return [
        LABELS[value] if isinstance(value, int) and 0 <= value < len(LABELS) else str(value or "")
        for value in (table["label"].to_pylist() if "label" in table.column_names else [None] * table.num_rows)
    ]


def _rounded(value: Any, digits: int = 3) -> float:
    return round(float(value), digits)
