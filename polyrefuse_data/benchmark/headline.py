"""The few numbers that sum a run up, and what of them cannot be concluded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from polyrefuse_data.benchmark.contrasts import EVIDENCE, NO_EVIDENCE, TOO_FEW, VERDICT_NAMES
from polyrefuse_data.benchmark.statistics import MIN_PROMPTS, wilson_interval
from polyrefuse_data.benchmark.store import ABLATION, BASELINE, RANDOM
from polyrefuse_data.rows import HARMFUL, HARMLESS


def headline(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Means over the languages where each was measured, with intervals over prompts, and what the ablation shows."""
    outcomes = Counter(record["status"] for record in scores["selection"])
    return {
        "languages": len(scores["languages"]),
        "with_direction": outcomes.pop("chosen", 0),
        "without_direction": dict(outcomes),
        "sources": len(scores["selection"]),
        "refusal_harmful": _mean(scores, BASELINE, HARMFUL, "refusal"),
        "refusal_harmless": _mean(scores, BASELINE, HARMLESS, "refusal"),
        "refusal_own": _mean(scores, ABLATION, HARMFUL, "refusal"),
        "refusal_random": _mean(scores, RANDOM, HARMFUL, "refusal"),
        "ablation": _ablation(scores),
    }


def _mean(scores: Mapping[str, Any], intervention: str, label: str, name: str) -> dict[str, Any] | None:
    """The mean over languages; n is the fewest prompts of one, for the languages' prompts are the same."""
    rows = [
        row
        for row in scores["rows"]
        if row["intervention"] == intervention
        and row["label"] == label
        and row["subset"] == "all"
        and row["n"]
        and row["source_language"] in (None, row["target_language"])
    ]
    if not rows:
        return None
    value, n = sum(row[name] for row in rows) / len(rows), min(row["n"] for row in rows)
    low, high = wilson_interval(value, n)
    return {"value": value, "low": low, "high": high, "n": n, "languages": len(rows), "concludes": n >= MIN_PROMPTS}


def _ablation(scores: Mapping[str, Any]) -> dict[str, Any] | None:
    """What ablating each language's own direction shows: in how many languages evidence, or why none. None where
    nothing was ablated."""
    own = [record for record in scores["transfer"] if record["source_language"] == record["target_language"]]
    if not own:
        return None
    verdicts = Counter(record["verdict"] for record in own)
    shown = [record for record in own if record["verdict"] == EVIDENCE]
    against = Counter({verdict: verdicts[verdict] for verdict in NO_EVIDENCE if verdicts[verdict]})
    status = EVIDENCE if shown else "no_evidence" if against else TOO_FEW
    return {
        "status": status,
        "languages": len(own),
        "with_evidence": len(shown),
        "beyond_control": _mean_of(shown, "difference"),
        # Bounds averaged as the values are: as if further languages told nothing new, so wide rather than narrow.
        "beyond_control_low": _mean_of(shown, "low"),
        "beyond_control_high": _mean_of(shown, "high"),
        "verdicts": {VERDICT_NAMES[verdict]: count for verdict, count in verdicts.most_common()},
        "n": min(record["n"] for record in own),
    }


def _mean_of(records: Sequence[Mapping[str, Any]], name: str) -> float | None:
    return sum(record[name] for record in records) / len(records) if records else None
