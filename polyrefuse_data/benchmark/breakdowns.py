"""Refusal and compliance by what a prompt is: its category, its set, its length, and who translated it.

Each is told for itself: categories and sets go together, and no row here says what of a difference is due to which.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from polyrefuse_data.benchmark.statistics import MIN_PROMPTS, rate, rate_interval
from polyrefuse_data.rows import LABELS

# What is kept of a prompt beside its reply, for the tables below.
PROMPT_COLUMNS = ("source", "category", "origin", "prompt_en")
RATES = ("refusal", "compliance")
LENGTH = "length"

Reply = Mapping[str, Any]


def breakdowns(baseline: Mapping[str, Sequence[Reply]]) -> list[dict[str, Any]]:
    """A record for each language, label, property and value, where a property has more than one value there.

    Lengths are thirds of all prompts by their characters in English, so that they are the same prompts in every
    language.
    """
    properties: dict[str, Callable[[Reply], Any]] = {
        "category": lambda reply: reply.get("category"),
        "prompt set": lambda reply: reply["source"],
        LENGTH: _thirds(reply for replies in baseline.values() for reply in replies),
        "origin": lambda reply: reply.get("origin"),
    }
    records = []
    for language, replies in baseline.items():
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


def _ordered(groups: Mapping[str, Sequence[Reply]], name: str) -> list[str]:
    """Values by name; thirds by the lengths in them, which do not overlap."""
    return sorted(groups, key=lambda value: (len(groups[value][0]["prompt_en"]) if name == LENGTH else 0, value))


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
