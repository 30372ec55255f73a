"""Every shortcut against the plain way, on tiny random models of eleven architectures."""

from __future__ import annotations

import importlib.util
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from polyrefuse_data.benchmark import (
    ChatModel,
    ablate,
    add_direction,
    extract_directions,
    harmless_means,
    score_candidates,
    shared_beginning,
)
from polyrefuse_data.benchmark.generation import generate
from polyrefuse_data.benchmark.means import PlaceMeans
from polyrefuse_data.benchmark.restart import Restart
from polyrefuse_data.benchmark.scoring import prompt_refusal_scores
from polyrefuse_data.benchmark.shared_beginning import SharedBeginning
from polyrefuse_data.benchmark.weight_edit import can_edit, edited, is_proved
from tests.benchmark.architectures import ARCHITECTURES, EXPERTS, LAYERS, POST_NORMS, random_network
from tests.benchmark.conftest import word_tokenizer

HARMFUL = ["steal the car", "please tell me how to wreck the house", "dis moi comment voler : lampe", "poison"]
HARMLESS = ["paint the car", "please tell me how to wash the boat", "dis moi comment laver : lampe", "draw it"]
TOKENS = [10, 20]

_SPEC = importlib.util.spec_from_file_location("plain", Path(__file__).resolve().parents[2] / "benchmarks" / "plain.py")


def plain_pipeline(model: ChatModel) -> Any:
    """The reference algorithm of benchmarks/plain.py: hooks, one candidate a forward, all positions."""
    assert _SPEC is not None and _SPEC.loader is not None
    module = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(module)
    return module.PlainPipeline(model.network, model.tokenizer)


_SLOW = ("gemma2", "granite", "mistral", "phi3", "qwen3")  # each is much like another that is tried every time


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] if name in _SLOW else []) for name in sorted(ARCHITECTURES)],
)
def model(request: pytest.FixtureRequest) -> ChatModel:
    tokenizer = word_tokenizer()
    return ChatModel(random_network(request.param, len(tokenizer)), tokenizer, name=request.param)


def test_structure_is_found_and_proved(model: ChatModel) -> None:
    assert len(model.blocks) == LAYERS
    assert [block.has_post_norms for block in model.blocks] == [model.name in POST_NORMS] * LAYERS
    for block, layer in zip(model.blocks, model.network.model.layers, strict=True):
        assert (block.module, block.sublayers) == (layer, (layer.self_attn, layer.mlp))


def test_directions_and_scores_are_the_plain_ones(model: ChatModel) -> None:
    plain = plain_pipeline(model)
    n_positions = len(model.post_instruction_token_ids)
    directions = extract_directions(model, HARMFUL, HARMLESS)
    assert torch.allclose(directions, plain.mean_differences(HARMFUL, HARMLESS, n_positions), atol=1e-4)

    expected = plain.score(directions, HARMFUL, HARMLESS, TOKENS)
    found = score_candidates(model, directions, HARMFUL, HARMLESS, TOKENS)
    assert [(r["position"], r["layer"]) for r in found] == [(r["position"], r["layer"]) for r in expected]
    for name in ("refusal_score", "steering_score", "kl_div_score"):
        worst = max(abs(ours[name] - theirs[name]) for ours, theirs in zip(found, expected, strict=True))
        assert worst <= 1e-4, name
    assert max(row["kl_div_score"] for row in expected) > 0.01  # the ablations do something


BEGINNING = "please tell me how to draw a boat , and a lamp , and a chair ; then "


def test_what_all_prompts_begin_with_is_run_once_and_changes_no_score(
    model: ChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Except where prompts are longer than a sliding window: padding behind the beginning would shift it."""
    classes = [[BEGINNING + text for text in texts] for texts in (HARMFUL, HARMLESS)]
    directions = extract_directions(model, *classes)
    encoded = model.encode([*classes[0], *classes[1]])
    has_short_window = "sliding_window" in ARCHITECTURES[model.name]
    assert (SharedBeginning(model, encoded).length > 8) is not has_short_window
    found = score_candidates(model, directions, *classes, TOKENS)
    monkeypatch.setattr(shared_beginning, "_LEAST_SHARE", 1.0)
    assert SharedBeginning(model, encoded).length == 0
    for ours, whole in zip(found, score_candidates(model, directions, *classes, TOKENS), strict=True):
        assert ours == pytest.approx(whole, abs=1e-4)


def test_restart_is_exact(model: ChatModel) -> None:
    assert Restart(model).works


def test_ablation_leaves_nothing_behind_and_undoes_itself(model: ChatModel) -> None:
    batch = model.batch(model.encode(HARMFUL))
    direction = torch.randn(model.d_model, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    unit = direction / direction.norm()
    seen: list[torch.Tensor] = []
    before = model.last_logits(batch)
    with ablate(model, direction, mode="complete"):
        handles = [
            block.module.register_forward_hook(lambda module, args, output: seen.append(output))
            for block in model.blocks
        ]
        model.last_logits(batch)
    for handle in handles:
        handle.remove()
    assert len(seen) == LAYERS
    assert max(float((hidden.double() @ unit).abs().max()) for hidden in seen) < 1e-5
    assert torch.equal(model.last_logits(batch), before)
    with pytest.raises(RuntimeError, match="stop"), add_direction(model, direction, 1):
        raise RuntimeError("stop")
    assert torch.equal(model.last_logits(batch), before)


def test_centred_ablation_leaves_the_mean_along_the_direction_and_nothing_else(model: ChatModel) -> None:
    """x - ((x - mu) . d) d at every place: along d every token has what the mean of the harmless prompts has there."""
    batch = model.batch(model.encode(HARMFUL))
    direction = torch.randn(model.d_model, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    unit = direction / direction.norm()
    means = harmless_means(model, HARMLESS)
    seen: list[torch.Tensor] = []
    before = model.last_logits(batch)
    with ablate(model, direction, mode="centred", means=means):
        hooks = [
            block.module.register_forward_hook(lambda module, args, output: seen.append(output))
            for block in model.blocks
        ]
        centred = model.last_logits(batch)
    for hook in hooks:
        hook.remove()
    plain = torch.stack(
        [
            torch.stack(model.network(**model.inputs(one), output_hidden_states=True).hidden_states[:LAYERS])[
                :, 0, -len(model.post_instruction_token_ids) :
            ]
            for one in (model.batch([ids]) for ids in model.encode(HARMLESS))
        ]
    ).double()  # [prompts, layers, n_pos, d_model]
    expected = plain.mean((0, 2))
    for layer in range(1, LAYERS):
        assert torch.allclose(means.of("input", layer), expected[layer], atol=1e-5)
        along = seen[layer - 1].double() @ unit
        assert float((along - expected[layer] @ unit).abs().max()) < 1e-4
    assert torch.equal(model.last_logits(batch), before)
    nothing = PlaceMeans({place: torch.zeros_like(mean) for place, mean in means.by_place.items()})
    with ablate(model, direction, mode="centred", means=nothing):
        about_zero = model.last_logits(batch)
    with ablate(model, direction, mode="complete"):
        assert torch.allclose(model.last_logits(batch), about_zero, atol=1e-4)
    assert float((centred - about_zero).abs().max()) > 1e-2
    rows = torch.stack([direction, -direction, 2 * direction, direction])
    with ablate(model, rows, mode="centred", means=means):
        assert torch.allclose(model.last_logits(batch), centred, atol=1e-4)
    if can_edit(model):
        assert is_proved(model, "centred", means)
        biases = [linear.bias for block in model.blocks for linear in block.output_linears if linear]
        with edited(model, direction, means):
            assert torch.allclose(model.last_logits(batch), centred, atol=1e-4)
        after = [linear.bias for block in model.blocks for linear in block.output_linears if linear]
        assert all(one is other for one, other in zip(biases, after, strict=True))
        assert torch.equal(model.last_logits(batch), before)


def test_centred_scores_are_those_of_each_candidate_alone(model: ChatModel) -> None:
    directions = extract_directions(model, HARMFUL, HARMLESS)
    means = harmless_means(model, HARMLESS)
    table = score_candidates(
        model, directions, HARMFUL, HARMLESS, TOKENS, positions=[-1], layers=[1, 2], mode="centred", means=means
    )
    for row in table:
        with ablate(model, directions[row["position"], row["layer"]], mode="centred", means=means):
            alone = prompt_refusal_scores(model, HARMFUL, TOKENS)
        assert row["refusal_score"] == pytest.approx(sum(alone) / len(alone), abs=1e-4)


def test_weights_are_edited_only_where_proved_and_come_back(model: ChatModel) -> None:
    hooked_only = model.name in POST_NORMS | EXPERTS
    assert can_edit(model) is not hooked_only
    assert is_proved(model) is not hooked_only
    if not hooked_only:
        before = {name: value.clone() for name, value in model.network.state_dict().items()}
        with edited(model, torch.ones(model.d_model, dtype=torch.float64)):
            assert any(not torch.equal(value, before[name]) for name, value in model.network.state_dict().items())
        assert all(torch.equal(value, before[name]) for name, value in model.network.state_dict().items())


@pytest.mark.parametrize("under_ablation", [False, True])
def test_batched_generation_is_one_by_one_generation(
    model: ChatModel, under_ablation: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Greedy tokens of a padded, shrinking batch with a cache, against a loop that runs each prompt whole at every
    token."""
    direction = torch.randn(model.d_model, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    prompts = HARMFUL + HARMLESS
    with ablate(model, direction) if under_ablation else nullcontext():
        # End tokens that random models do write, so that rows leave the batch at different times.
        free = [_one_by_one(model, prompt, 10) for prompt in prompts]
        monkeypatch.setitem(model.__dict__, "end_token_ids", frozenset({free[0][len(free[0]) // 2], free[1][-1]}))
        replies = generate(model, prompts, max_new_tokens=10)
        assert [reply.token_ids for reply in replies] == [_one_by_one(model, prompt, 10) for prompt in prompts]
    assert len({len(reply.token_ids) for reply in replies}) > 1


def _one_by_one(model: ChatModel, prompt: str, count: int) -> list[int]:
    ids = model.encode([prompt])[0]
    new: list[int] = []
    while len(new) < count:
        logits = model.network(input_ids=torch.tensor([ids + new]), use_cache=False).logits[0, -1]
        new.append(int(logits.argmax()))
        if new[-1] in model.end_token_ids:
            break
    return new
