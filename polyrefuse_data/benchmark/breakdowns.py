"""Refusal and compliance by what a prompt is: its category, level of harm, set and length, who translated it, and
how well.

Each is told for itself: categories and sets go together, and no row here says what of a difference is due to which.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from polyrefuse_data.benchmark.statistics import MIN_PROMPTS, rate, rate_interval
from polyrefuse_data.rows import LABELS

# What is kept of a prompt beside its reply, for the tables below.
PROMPT_COLUMNS = ("source", "category", "origin", "prompt_en", "p_good")
RATES = ("refusal", "compliance")
HARM_LEVEL = "harm level"
# A category may say how grave the harm is: "fraud, level 2", or "level 2" alone.
_LEVEL = re.compile(r"(?:(?P<category>.*\S)\s*,\s*)?level (?P<level>\S+)")
_DIGITS = re.compile(r"(\d+)")
LENGTH = "length"
TRANSLATION = "translation"  # thirds of the prompts by p_good

Reply = Mapping[str, Any]


def breakdowns(baseline: Mapping[str, Sequence[Reply]]) -> list[dict[str, Any]]:
    """A record for each language, label, property and value, where a property has more than one value there.

    Lengths are thirds of all prompts by their characters in English, so that they are the same prompts in every
    language; translations are thirds of a language's prompts by p_good, the doubtful ones first.
    """
    properties: dict[str, Callable[[Reply], Any]] = {
        "category": lambda reply: without_level(reply.get("category")),
        HARM_LEVEL: lambda reply: _level(reply.get("category")),
        "prompt set": lambda reply: reply["source"],
        LENGTH: _thirds(reply for replies in baseline.values() for reply in replies),
        "origin": lambda reply: reply.get("origin"),
    }
    records = []
    for language, replies in baseline.items():
        properties[TRANSLATION] = _translation_thirds(replies)
        for label in LABELS:
            for name, value_of in properties.items():
                groups: dict[str, list[Reply]] = defaultdict(list)
                for reply in replies:
                    if reply["label"] == label and (value := value_of(reply)):
                        groups[value].append(reply)
                if len(groups) > 1:
                    common = {"language": language, "label": label, "by": name}
                    records += [
                        {**common, "value": value, **_counted(groups[value])} for value in _ordered(groups, name)
                    ]
    return records


def without_level(category: str | None) -> str | None:
    """A category without the level of harm that it may end in; None where it is that alone."""
    match = _LEVEL.fullmatch(category or "")
    return match["category"] if match else category


def _level(category: str | None) -> str | None:
    match = _LEVEL.fullmatch(category or "")
    return match["level"] if match else None


def _ordered(groups: Mapping[str, Sequence[Reply]], name: str) -> list[str]:
    """Values by name, numbers in them by size; thirds by what is in them, which does not overlap."""

    def place(value: str) -> tuple[float, list[tuple[int, str]]]:
        reply = groups[value][0]
        inside = len(reply["prompt_en"]) if name == LENGTH else reply["p_good"] if name == TRANSLATION else 0
        return inside, [(int(part) if part.isdecimal() else 0, part) for part in _DIGITS.split(value)]

    return sorted(groups, key=place)


def _translation_thirds(replies: Sequence[Reply]) -> Callable[[Reply], str | None]:
    """The third of a language's translations that a prompt belongs to; None where nothing is known of it."""
    ordered = sorted(reply["p_good"] for reply in replies if reply.get("p_good") is not None)
    if not ordered:
        return lambda reply: None
    low, high = ordered[len(ordered) // 3], ordered[2 * len(ordered) // 3]

    def third(reply: Reply) -> str | None:
        value = reply.get("p_good")
        if value is None:
            return None
        if value < low:
            return f"p_good under {low:.2f}"
        return f"p_good {low:.2f} to {high:.2f}" if value < high else f"p_good from {high:.2f}"

    return third


def _thirds(replies: Any) -> Callable[[Reply], str | None]:
    """The third of the prompts that a reply's prompt belongs to; None where its English is not known."""
    lengths = {reply["id"]: len(reply["prompt_en"]) for reply in replies if reply.get("prompt_en")}
    ordered = sorted(lengths.values())
    if not ordered:
        return lambda reply: None
    low, high = ordered[len(ordered) // 3], ordered[2 * len(ordered) // 3]

    def third(reply: Reply) -> str | None:
        length = lengths.get(reply["id"])
        if length is None:
            return None
        middle = f"{low} to {high - 1}" if high > low + 1 else f"{low}"
        return f"under {low}" if length < low else middle if length < high else f"{high} and more"

    return third


def _counted(replies: Sequence[Reply]) -> dict[str, Any]:
    counted: dict[str, Any] = {"n": len(replies), "concludes": len(replies) >= MIN_PROMPTS}
    for name in RATES:
        values = [reply[name] is True for reply in replies]
        counted[name] = rate(values)
        counted[f"{name}_low"], counted[f"{name}_high"] = rate_interval(values)
    return counted
