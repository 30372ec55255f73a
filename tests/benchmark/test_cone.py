"""A cone by gradient: its edges do what a direction does, and so does what lies between them."""

from __future__ import annotations

import pytest
import torch

from polyrefuse_data.benchmark import ChatModel
from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.cone import Descent, refusal_cone
from polyrefuse_data.benchmark.directions import difference_in_means
from polyrefuse_data.benchmark.interventions import ablate
from polyrefuse_data.benchmark.scoring import prompt_refusal_scores
from tests.benchmark.conftest import world_rows


def prompts(label: str, split: str) -> list[str]:
    return [row["text"] for row in world_rows(("en",)) if row["label"] == label and row["split"] == split]


def test_what_is_found_on_training_prompts_holds_on_others(chat_model: ChatModel) -> None:
    harmful, harmless = prompts("harmful", "train"), prompts("harmless", "train")
    difference = difference_in_means(*(block_inputs(chat_model, asked) for asked in (harmful, harmless)))[-1, 2]
    refusing = chat_model.tokenizer("I")["input_ids"][:1]
    edges, losses = refusal_cone(
        chat_model, difference, 2, harmful, harmless, refusing, Descent(size=2, steps=25, batch=6, rate=0.05)
    )
    assert edges.shape == (2, chat_model.d_model) and len(losses) == 25
    assert float((edges[0] @ edges[1]).abs()) < 1e-6 * float(difference.norm()) ** 2
    assert edges.norm(dim=1).tolist() == pytest.approx([float(difference.norm())] * 2)
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    unseen = prompts("harmful", "test")
    plain = sum(prompt_refusal_scores(chat_model, unseen, refusing)) / len(unseen)
    generator = torch.Generator().manual_seed(1)
    random = torch.randn(chat_model.d_model, generator=generator, dtype=torch.float64)
    ablated = {}
    for name, vector in {"first": edges[0], "second": edges[1], "between": edges.sum(0), "random": random}.items():
        with ablate(chat_model, vector):
            ablated[name] = sum(prompt_refusal_scores(chat_model, unseen, refusing)) / len(unseen)
    assert max(ablated["first"], ablated["second"], ablated["between"]) < min(ablated["random"], plain) - 2
    again, _ = refusal_cone(
        chat_model, difference, 2, harmful, harmless, refusing, Descent(size=2, steps=25, batch=6, rate=0.05)
    )
    assert torch.equal(again, edges)
    assert not any(parameter.requires_grad for parameter in chat_model.network.parameters())


def test_a_batch_larger_than_the_prompts(chat_model: ChatModel) -> None:
    with pytest.raises(ValueError, match="each class needs at least 8 prompts"):
        refusal_cone(chat_model, torch.ones(chat_model.d_model), 1, ["x"] * 8, ["y"] * 7, [1])
