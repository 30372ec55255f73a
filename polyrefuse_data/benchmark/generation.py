"""Greedy replies in batches: sorted by length and left-padded; rows that end leave the batch and the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from polyrefuse_data.benchmark.batches import sorted_batches, with_backoff
from polyrefuse_data.benchmark.chat import strip_reasoning
from polyrefuse_data.benchmark.model import ChatModel

# Tokens (prompt and reply) that a batch may hold in the cache.
CPU_CACHE_TOKENS = 16384
GPU_CACHE_TOKENS = 131072


@dataclass(frozen=True)
class Reply:
    """A greedy reply: its text without special tokens and reasoning, and the ids that were generated."""

    text: str
    token_ids: list[int]


def generate(model: ChatModel, prompts: Sequence[str], *, max_new_tokens: int = 128) -> list[Reply]:
    """One greedy reply per prompt, in order. Active interventions apply to every token.

    Stops at any of the model's end tokens or after `max_new_tokens`. Batches shrink if memory runs out. If the model
    computes NaN for a prompt, its reply is empty, because it chose no token.
    """
    encoded = model.encode(prompts)
    replies: list[list[int]] = [[] for _ in prompts]
    stop = torch.tensor(sorted(model.end_token_ids), device=model.device)

    def run(rows: Sequence[int]) -> None:
        produced = _greedy(model, [encoded[row] for row in rows], max_new_tokens, stop)
        for row, ids in zip(rows, produced, strict=True):
            replies[row] = ids

    budget = CPU_CACHE_TOKENS if model.device.type == "cpu" else GPU_CACHE_TOKENS
    for rows in sorted_batches([len(ids) + max_new_tokens for ids in encoded], budget):
        with_backoff(run, rows)
    return [Reply(_text(model, ids), ids) for ids in replies]


def _text(model: ChatModel, ids: Sequence[int]) -> str:
    kept = [token for token in ids if token not in model.end_token_ids]
    text: str = model.tokenizer.decode(kept, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    answer = strip_reasoning(text)
    for token in model.tokenizer.all_special_tokens:
        answer = answer.replace(token, "")
    return answer.strip()


def _greedy(model: ChatModel, encoded: Sequence[Sequence[int]], max_new_tokens: int, stop: Tensor) -> list[list[int]]:
    batch = model.batch(encoded)
    produced: list[list[int]] = [[] for _ in encoded]
    active = list(range(len(encoded)))
    mask = batch.attention_mask
    inputs, cache = model.inputs(batch), None
    for _ in range(max_new_tokens):
        logits, cache = model.next_logits(inputs, cache)
        token = logits.argmax(-1)
        broken = logits.gather(-1, token[:, None])[:, 0].isnan()  # argmax takes NaN for the largest
        for row, value, is_broken in zip(active, token.tolist(), broken.tolist(), strict=True):
            if is_broken:
                produced[row].clear()
            else:
                produced[row].append(value)
        running = (~(torch.isin(token, stop) | broken)).nonzero().flatten()
        if len(running) == 0:
            break
        if len(running) < len(active):
            active = [active[index] for index in running.tolist()]
            token, mask = token[running], mask[running]
            cache.batch_select_indices(running)
        mask = torch.cat([mask, mask.new_ones(len(active), 1)], dim=1)
        inputs = model.step_inputs(token, mask)
    return produced
