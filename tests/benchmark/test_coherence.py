"""A rule that looks at a few generated tokens: a direction that breaks the model is not chosen, whatever its KL."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch

from polyrefuse_data.benchmark import ChatModel, coherence, staged
from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.coherence import coherent_share, is_coherent, with_coherence
from polyrefuse_data.benchmark.config import benchmark_config
from polyrefuse_data.benchmark.directions import difference_in_means
from polyrefuse_data.benchmark.scoring import score_candidates
from polyrefuse_data.benchmark.selection import Rule, explain_selection, select_direction
from polyrefuse_data.benchmark.staged import choose_direction
from tests.benchmark.test_extractors import prompts

LOOSE = Rule("loose", 1e9, -1e9)


def test_loops_and_silence_are_not_coherent() -> None:
    assert is_coherent("Sure, here is one idea for you.")
    assert not is_coherent("Sure Sure Sure Sure Sure Sure Sure Sure Sure Sure Sure Sure")
    assert not is_coherent(" \n")


def test_the_share_is_of_short_replies(chat_model: ChatModel) -> None:
    assert coherent_share(chat_model, prompts("harmless")[:4], nullcontext()) == 1.0


@pytest.fixture
def scored(
    chat_model: ChatModel, monkeypatch: pytest.MonkeyPatch
) -> tuple[torch.Tensor, list[dict[str, Any]], list[Any]]:
    """Candidates and their table, and what shares are looked up of; the best candidate by refusal score is broken."""
    directions = difference_in_means(*(block_inputs(chat_model, prompts(label)) for label in ("harmful", "harmless")))
    refusing = chat_model.tokenizer("I")["input_ids"][:1]
    asked = prompts("harmful", "validation"), prompts("harmless", "validation")
    table = score_candidates(chat_model, directions, *asked, refusing, layers=[1, 2])
    best = select_direction(table, chat_model.n_layers, LOOSE)
    assert best is not None
    looked: list[Any] = []

    def share(model: ChatModel, prompts: Any, intervention: Any, tokens: int = 0) -> float:
        looked.append(intervention)
        return 0.25 if len(looked) == 1 else 0.75

    for module in (coherence, staged):
        monkeypatch.setattr(module, "coherent_share", share)
    return directions, table, looked


def test_the_best_that_still_speaks_is_chosen(chat_model: ChatModel, scored: Any) -> None:
    directions, table, looked = scored
    rule = LOOSE.with_min_coherent(0.5)
    assert rule.name == "loose with 50% coherent" and LOOSE.with_min_coherent(None) is LOOSE
    with_shares = with_coherence(chat_model, directions, table, rule, ["x"])
    assert len(looked) == 2  # no reply is generated for candidates that are no choice
    chosen = select_direction(with_shares, chat_model.n_layers, rule)
    assert chosen == sorted(with_shares, key=lambda row: row["refusal_score"])[1]
    assert chosen is not None and chosen["coherent_share"] == 0.75
    assert explain_selection(with_shares, chat_model.n_layers, rule)["coherence"] == 1
    looked.clear()
    asked = prompts("harmful", "validation"), prompts("harmless", "validation")
    tokens = chat_model.tokenizer("I")["input_ids"][:1]
    staged_choice = choose_direction(chat_model, directions, *asked, tokens, rule, layers=[1, 2])
    assert staged_choice is not None
    assert staged_choice["coherent_share"] == 0.75
    assert (staged_choice["position"], staged_choice["layer"]) == (chosen["position"], chosen["layer"])


def test_tries_are_bounded_and_a_rule_without_the_bound_generates_nothing(
    chat_model: ChatModel, scored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    directions, table, looked = scored
    assert with_coherence(chat_model, directions, table, LOOSE, ["x"]) == table and not looked
    for module in (coherence, staged):
        monkeypatch.setattr(module, "TRIES", 2)
    strict = replace(LOOSE, min_coherent=0.9)
    rows = with_coherence(chat_model, directions, table, strict, ["x"])
    assert len(looked) == 2 and select_direction(rows, chat_model.n_layers, strict) is None
    reasons = explain_selection(rows, chat_model.n_layers, strict)
    assert reasons["coherence"] == 2 and reasons["untried"] >= 1  # of those nothing is known


def test_the_setting_is_part_of_the_rules_name() -> None:
    config = benchmark_config(model="m", dataset="d", min_coherent=0.9, max_kl=3.0)
    assert config.rule_used == Rule("polyrefuse with KL up to 3 with 90% coherent", 3.0, min_coherent=0.9)
