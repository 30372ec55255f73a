from __future__ import annotations

import pytest
import torch

from polyrefuse_data.benchmark.selection import RULES
from polyrefuse_data.benchmark.stability import choice_stability


def stability(refusal: torch.Tensor) -> dict[str, object]:
    """Of two candidates with these refusal scores [candidates, prompts], nothing else between them."""
    flat = torch.zeros_like(refusal)
    by_prompt = {"refusal_score": refusal, "steering_score": flat, "kl_div_score": flat}
    means = refusal.mean(1).tolist()
    table = [
        {"position": -1, "layer": layer, "refusal_score": means[layer], "steering_score": 0.0, "kl_div_score": 0.0}
        for layer in range(2)
    ]
    return choice_stability(by_prompt, table, n_layers=10, rule=RULES["polyrefuse"])


def test_a_choice_that_every_prompt_makes_is_made_again() -> None:
    refusal = torch.stack([torch.full((32,), -5.0), torch.full((32,), 1.0)]).double()
    found = stability(refusal)
    assert (found["again"], found["none"]) == (1.0, 0.0)
    assert found["choices"] == [{"position": -1, "layer": 0, "share": 1.0}]


def test_a_choice_between_equals_is_made_half_the_time() -> None:
    """Both win on half of the prompts: which one the table chooses is chance, and is shown to be."""
    won = torch.tensor([0.0, 1.0] * 16).double()
    found = stability(torch.stack([won, 1 - won]))
    assert found["again"] == pytest.approx(0.5, abs=0.15)
    assert len(found["choices"]) == 2  # type: ignore[arg-type]


def test_no_candidate_is_no_choice() -> None:
    refusal = torch.full((2, 8), float("nan")).double()
    found = stability(refusal)
    assert (found["again"], found["none"], found["choices"]) == (0.0, 1.0, [])
