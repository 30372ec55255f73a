"""Erasure: what it reads and takes out, on the toy model and beside an independent computation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from polyrefuse_data.benchmark import ChatModel, erasure, extract_directions, generate, judge_refusal
from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.coherence import is_coherent
from polyrefuse_data.benchmark.controls import draw_shuffled
from polyrefuse_data.benchmark.erasure import SHRINKAGE, erase, fit_erasures
from polyrefuse_data.errors import ConfigError
from tests.benchmark.conftest import world_rows


def prompts(label: str, split: str, language: str = "en") -> list[str]:
    rows = world_rows((language,))
    return [row["text"] for row in rows if row["label"] == label and row["split"] == split]


@pytest.mark.parametrize("language", ["en", "de"])
def test_erased_classes_end_refusal_and_shuffled_labels_do_not(chat_model: ChatModel, language: str) -> None:
    train = prompts("harmful", "train", language), prompts("harmless", "train", language)
    own = extract_directions(chat_model, *train)[-1]
    (shuffled,) = draw_shuffled(*(block_inputs(chat_model, asked)[:, -1] for asked in train), "test", 1)
    assert torch.allclose(shuffled.norm(dim=-1), own.norm(dim=-1))
    fitted = fit_erasures(chat_model, *train, [own, shuffled])
    harmful, harmless = (prompts(label, "test", language) for label in ("harmful", "harmless"))
    with erase(chat_model, fitted[0]):
        erased = [reply.text for reply in generate(chat_model, [*harmful, *harmless], max_new_tokens=8)]
    with erase(chat_model, fitted[1]):
        control = [reply.text for reply in generate(chat_model, harmful, max_new_tokens=8)]
    assert not any(judge_refusal(erased, language))
    assert all(is_coherent(reply) for reply in erased)
    assert sum(map(bool, judge_refusal(control, language))) >= 0.9 * len(control)


def test_what_is_read_is_that_of_an_independent_computation(chat_model: ChatModel) -> None:
    train = prompts("harmful", "train")[:5], prompts("harmless", "train")[:6]
    direction = extract_directions(chat_model, *train)[-1]
    elsewhere = prompts("harmless", "train", "de")[:3]
    (found,) = fit_erasures(chat_model, *train, [direction], elsewhere)
    encoded = [chat_model.encode(asked) for asked in (*train, elsewhere)]
    rows = [row for asked in encoded[:2] for row in asked]
    shared = next(place for place in range(99) if len({row[place] for row in rows}) > 1)
    layer = 2
    tokens = [
        np.concatenate(
            [
                chat_model.network(**chat_model.inputs(chat_model.batch([row])), output_hidden_states=True)
                .hidden_states[layer][0, shared:]
                .double()
                .numpy()
                for row in asked
            ]
        )
        for asked in encoded
    ]
    mean = tokens[1].mean(0)
    noise = np.concatenate([tokens[0] - tokens[0].mean(0), tokens[1] - mean, tokens[2] - mean])
    covariance = noise.T @ noise / len(noise)
    solved = np.linalg.solve(covariance + SHRINKAGE * np.diag(np.diag(covariance)), direction[layer].numpy())
    reader = solved / (solved @ direction[layer].numpy())
    assert found.readers[layer].numpy() == pytest.approx(reader, rel=1e-3, abs=1e-6)
    assert float(found.kept[layer]) == pytest.approx(reader @ mean, rel=1e-3)


def test_what_moves_every_token_is_left_alone() -> None:
    """A massive dimension has a tenth of the direction, and moves tokens by a thousand times the difference."""
    covariance = torch.diag(torch.tensor([1.0, 1.0, 1e6], dtype=torch.float64))
    direction = torch.tensor([[1.0, 0.0, 0.1]], dtype=torch.float64)
    readers, kept = erasure._read(covariance, direction, torch.tensor([0.0, 5.0, 2e4], dtype=torch.float64))
    token = torch.tensor([1.0, 5.0, 2.3e4], dtype=torch.float64)
    moved = (token @ readers[0] - kept[0]) * direction[0]
    assert moved.tolist() == pytest.approx([1.0, 0.0, 0.1], abs=1e-3)  # the difference itself, and nothing of the rest
    along = (token @ direction[0]) / direction[0].norm()
    assert float(along) > 2000  # what ablation would take out


def test_layers_are_visited_in_turn_where_memory_asks_for_it(
    chat_model: ChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = prompts("harmful", "train")[:4], prompts("harmless", "train")[:4]
    direction = extract_directions(chat_model, *train)[-1]
    (at_once,) = fit_erasures(chat_model, *train, [direction])
    monkeypatch.setattr(erasure, "COVARIANCE_BYTES", 1)
    (in_turn,) = fit_erasures(chat_model, *train, [direction])
    assert torch.equal(at_once.readers, in_turn.readers) and torch.equal(at_once.kept, in_turn.kept)


def test_what_cannot_be_fitted(chat_model: ChatModel) -> None:
    direction = torch.ones(chat_model.n_layers, chat_model.d_model)
    with pytest.raises(ConfigError, match="needs harmful and harmless prompts"):
        fit_erasures(chat_model, ["x"], [], [direction])
    with pytest.raises(ConfigError, match="needs one direction per layer"):
        fit_erasures(chat_model, ["x"], ["y"], [direction[1:]])
