"""What is said of a figure: in it, on how many prompts of which split it was measured; in its caption, who judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from polyrefuse_data.benchmark.judges.in_english import ENGLISH
from polyrefuse_data.benchmark.statistics import MIN_PROMPTS
from polyrefuse_data.rows import LABELS

NO_JUDGE = "No judge"


def judged_by(scores: Mapping[str, Any]) -> str:
    settings = scores["run"]["settings"]
    seen = " on English translations" if settings.get("judge_on") == ENGLISH else ""
    return f"Judge: {settings['judge']}{seen}"


def test_prompts(baseline: Collection[Mapping[str, Any]]) -> str:
    """Of the rows of scores.json without intervention."""
    counts = {label: [row["n"] for row in baseline if row["label"] == label] for label in LABELS}
    fewest = min((n for found in counts.values() for n in found), default=0)
    return f"n = {_each_label(counts)} test prompts a language{warning(fewest)}"


def training_prompts(scores: Mapping[str, Any]) -> str:
    """Of scores.json; runs of before did not count them."""
    by_language = ((scores.get("geometry") or {}).get("train_prompts") or {}).values()
    counts = {label: [of[label] for of in by_language] for label in LABELS}
    return f"n = {_each_label(counts)} training prompts a language" if by_language else "training prompts"


def validation_prompts(selection: Mapping[str, Any]) -> str:
    """Of the record of a source language."""
    counts = {label: [len(selection["prompts"][f"validation_{label}"])] for label in LABELS}
    return f"n = {_each_label(counts)} validation prompts"


def few_to_many(counts: Collection[int]) -> str:
    """How many: one number, or the fewest and the most."""
    few, many = min(counts, default=0), max(counts, default=0)
    return str(few) if few == many else f"{few} to {many}"


def warning(few: int) -> str:
    return f" (under {MIN_PROMPTS}: nothing can be concluded)" if few < MIN_PROMPTS else ""


def _each_label(counts: Mapping[str, Collection[int]]) -> str:
    return " and ".join(f"{few_to_many(found)} {label}" for label, found in counts.items())
