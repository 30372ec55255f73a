"""Whether a chosen direction works as a refusal direction, and what a looser bound would have chosen.

The rules choose the best candidate that passes, and that may be useless: a direction whose ablation changes nothing has
a low KL too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from polyrefuse_data.benchmark.selection import Rule, why_dropped

# What a direction has to move, in log-odds of refusing: the odds fall to a tenth when it is ablated, and rise tenfold
# when it is added. A choice of ours, well above the noise of 32 prompts and well below what working directions do
# (10 to 30 on the models measured so far).
MARGIN = math.log(10)


@dataclass(frozen=True)
class Plain:
    """Mean refusal scores of the validation prompts without any intervention."""

    harmful: float
    harmless: float


def lacks(choice: Mapping[str, Any], plain: Plain) -> list[str]:
    """What a chosen candidate fails to do, in words; empty if it works."""
    found = []
    ablated, added = choice["refusal_score"], choice["steering_score"]
    if ablated > plain.harmful - MARGIN or ablated > 0:
        found.append(
            f"ablating it only moves the refusal score of harmful prompts from {plain.harmful:+.1f} to {ablated:+.1f}"
        )
    if added < plain.harmless + MARGIN:
        found.append(f"adding it only moves that of harmless prompts from {plain.harmless:+.1f} to {added:+.1f}")
    return found


def looser_choice(
    table: Iterable[Mapping[str, Any]], n_layers: int, rule: Rule, plain: Plain
) -> Mapping[str, Any] | None:
    """The choice under the lowest KL bound that gives a working direction; None if no bound does.

    That bound is the KL of the choice itself or, if a candidate with a better refusal score precedes it, that
    candidate's. Choices are made by the rule itself.
    """
    unbounded = replace(rule, max_kl=math.inf)
    best: Mapping[str, Any] | None = None
    for row in sorted(table, key=lambda row: row["kl_div_score"]):
        if why_dropped(row, n_layers, unbounded) is not None:
            continue
        if best is None or row["refusal_score"] < best["refusal_score"]:
            best = row
            if not lacks(row, plain):
                return row
    return None


def describe(choice: Mapping[str, Any]) -> str:
    """One candidate in words, with its three scores."""
    return (
        f"layer {choice['layer']}, position {choice['position']} (refusal {choice['refusal_score']:+.1f}, steering "
        f"{choice['steering_score']:+.1f}, KL {choice['kl_div_score']:.2f})"
    )
