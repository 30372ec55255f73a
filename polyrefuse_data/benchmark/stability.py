"""How far a choice hangs on the validation prompts that happened to be drawn: the rule applied to resamples of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from polyrefuse_data.benchmark.candidates import Candidate
from polyrefuse_data.benchmark.selection import SCORES, Rule, select_direction

RESAMPLES = 200
_SHOWN = 3  # how many of the most frequent choices are listed
_SEED = 1


def choice_stability(
    by_prompt: Mapping[str, Tensor], table: Sequence[Mapping[str, Any]], n_layers: int, rule: Rule
) -> dict[str, Any]:
    """What the rule chooses on bootstrap resamples of the prompts of each class, from scores [candidates, prompts].

    Returns `again`, the share of resamples with the table's own choice, `none`, the share in which no candidate
    passes, and the most frequent choices with their shares.
    """
    scores = {name: by_prompt[name].numpy() for name in SCORES}
    generator = np.random.default_rng(_SEED)
    sizes = {name: values.shape[1] for name, values in scores.items()}
    found: Counter[Candidate | None] = Counter()
    for _ in range(RESAMPLES):
        harmful = generator.integers(0, sizes["refusal_score"], sizes["refusal_score"])
        harmless = generator.integers(0, sizes["kl_div_score"], sizes["kl_div_score"])
        means = {
            name: values[:, harmful if name == "refusal_score" else harmless].mean(1) for name, values in scores.items()
        }
        rows = [{**row, **{name: means[name][index] for name in SCORES}} for index, row in enumerate(table)]
        found[_place(select_direction(rows, n_layers, rule))] += 1
    own = _place(select_direction(table, n_layers, rule))
    return {
        "resamples": RESAMPLES,
        "again": found[own] / RESAMPLES if own else 0.0,
        "none": found[None] / RESAMPLES,
        "choices": [
            {"position": place[0], "layer": place[1], "share": count / RESAMPLES}
            for place, count in found.most_common()
            if place is not None
        ][:_SHOWN],
    }


def _place(choice: Mapping[str, Any] | None) -> Candidate | None:
    return None if choice is None else (choice["position"], choice["layer"])
