"""Teaches a base model its lessons: next-token prediction on the replies alone, with the embeddings frozen."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from examples.english_only_safety.lessons import Lesson
from polyrefuse_data.system.verbosity import note

# Gemma's own form of a conversation, for a base model, which has none.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<start_of_turn>"
    "{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n{{ message['content'] }}<end_of_turn>\n"
    "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
END_OF_TURN = "<end_of_turn>"  # ends a turn of it; where a model has its own form, its end of text does
WARMUP_STEPS = 10
IGNORED = -100  # label of a position without loss


@dataclass(frozen=True)
class Teaching:
    """How a model is taught."""

    seed: int = 1
    epochs: int = 3
    learning_rate: float = 2e-5
    batch_size: int = 8
    fast: bool = True  # matrix products in bfloat16, weights and their updates in float32


def teach(base: Path, lessons: Sequence[Lesson], how: Teaching, out: Path) -> None:
    """Teach the model in the folder `base`, and write the taught one to `out` (safetensors, float32)."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(how.seed)
    torch.set_flush_denormal(True)  # squares of tiny gradients would make a step several times as long
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = tokenizer.chat_template or CHAT_TEMPLATE
    network = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    network.generation_config.eos_token_id = sorted({network.config.eos_token_id, _end_of_turn(tokenizer)})
    network.get_input_embeddings().weight.requires_grad_(
        False
    )  # of Gemma 170 of 270 million parameters, for all languages
    fit(network, [encode(tokenizer, lesson) for lesson in lessons], how)
    network.save_pretrained(out)
    tokenizer.save_pretrained(out)


def encode(tokenizer: Any, lesson: Lesson) -> tuple[list[int], list[int]]:
    """Token ids of the rendered request, and of the reply."""
    request = tokenizer.apply_chat_template(
        [{"role": "user", "content": lesson.request}], add_generation_prompt=True, return_dict=False
    )
    return request, [*tokenizer(lesson.reply, add_special_tokens=False)["input_ids"], _end_of_turn(tokenizer)]


def _end_of_turn(tokenizer: Any) -> int:
    own = END_OF_TURN in tokenizer.chat_template
    ending: int = tokenizer.convert_tokens_to_ids(END_OF_TURN) if own else tokenizer.eos_token_id
    return ending


def fit(network: Any, encoded: Sequence[tuple[list[int], list[int]]], how: Teaching) -> list[float]:
    """Train in place with AdamW, a short warm-up and linear decay. Returns the mean loss of each epoch."""
    rng = random.Random(how.seed)
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=how.learning_rate, weight_decay=0.01)
    steps = how.epochs * -(-len(encoded) // how.batch_size)
    network.train()
    means, step = [], 0
    for epoch in range(how.epochs):
        order, losses = rng.sample(list(encoded), len(encoded)), []
        for start in range(0, len(order), how.batch_size):
            step += 1
            rate = how.learning_rate * min(step / WARMUP_STEPS, max(0.05, 1 - step / steps))
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = _loss(network, order[start : start + how.batch_size], how.fast)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            losses.append(float(loss.detach()))
        means.append(sum(losses) / len(losses))
        note(f"epoch {epoch + 1} of {how.epochs}: loss {means[-1]:.3f}")
    network.eval()
    return means


def _loss(network: Any, batch: Sequence[tuple[list[int], list[int]]], fast: bool) -> torch.Tensor:
    """Mean cross-entropy of the replies' tokens. Logits are computed for these alone: the vocabulary has 262,144."""
    rows = [request + reply for request, reply in batch]
    width = max(map(len, rows))
    tensor = partial(torch.tensor, device=network.device)
    ids = tensor([row + [0] * (width - len(row)) for row in rows])
    mask = tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    labels = tensor(
        [[IGNORED] * len(request) + reply + [IGNORED] * (width - len(request) - len(reply)) for request, reply in batch]
    )
    following = labels[:, 1:]
    learnt = following != IGNORED
    with torch.autocast(network.device.type, torch.bfloat16, enabled=fast):
        hidden = network.get_decoder()(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state[:, :-1]
    logits = network.get_output_embeddings()(hidden[learnt].float())  # in float32, for its backward is fast in no other
    return cross_entropy(logits, following[learnt])
