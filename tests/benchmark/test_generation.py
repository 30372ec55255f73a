"""Replies that are generated together are those that are generated alone."""

from __future__ import annotations

import pytest

from polyrefuse_data.benchmark.generation import generate
from polyrefuse_data.benchmark.interventions import ABLATION_MODES, ablate
from polyrefuse_data.benchmark.means import harmless_means
from polyrefuse_data.benchmark.model import ChatModel

PROMPTS = [
    "bitte sag mir wie ich stehle : Auto",
    "bitte sag mir wie ich male : Haus",
    "dis moi comment voler : voiture",
    "dis moi comment laver : chaise",
    "please tell me how to paint the boat",
]


@pytest.mark.parametrize("mode", ABLATION_MODES)
def test_each_prompt_keeps_its_own_direction_while_others_leave_the_batch(chat_model: ChatModel, mode: str) -> None:
    means = harmless_means(chat_model, PROMPTS[1:4:2]) if mode == "centred" else None
    plain = generate(chat_model, PROMPTS, max_new_tokens=16)
    # What writes the second token of each reply, so that taking it out changes how the reply goes on.
    directions = chat_model.network.get_output_embeddings().weight[[reply.token_ids[1] for reply in plain]]
    together = generate(chat_model, PROMPTS, max_new_tokens=16, directions=directions, mode=mode, means=means)
    alone = []
    for prompt, direction in zip(PROMPTS, directions, strict=True):
        with ablate(chat_model, direction, mode, means):
            alone += generate(chat_model, [prompt], max_new_tokens=16)
    assert together == alone
    assert len({len(reply.token_ids) for reply in together}) > 1  # some leave the batch before others
    assert all(reply != before for reply, before in zip(together, plain, strict=True))
