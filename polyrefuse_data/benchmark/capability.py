"""The cost of an ablation on harmless text: cross-entropy of the prompts, and KL to the plain model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor

from polyrefuse_data.benchmark.model import ChatModel

# Positions whose full distributions are held at once: in float32 a vocabulary of 150,000 takes 0.6 MB for each.
_POSITIONS = 1024


def capability(
    model: ChatModel, prompts: Sequence[str], ablation: Callable[[], AbstractContextManager[None]]
) -> dict[str, Any]:
    """Mean cross-entropy (nats per token) of the rendered prompts, plain and under `ablation()`, and mean KL (nats per
    token).

    KL is from the plain to the ablated next-token distribution, over all positions of the prompts.
    """
    encoded = model.encode(prompts)
    totals = {"cross_entropy": 0.0, "cross_entropy_ablated": 0.0, "kl": 0.0}
    n_tokens = 0
    for rows in model.row_batches([len(ids) for ids in encoded], _POSITIONS):
        batch = model.batch([encoded[row] for row in rows])
        plain = model.log_probabilities(batch)
        with ablation():
            ablated = model.log_probabilities(batch)
        real = (batch.attention_mask[:, :-1] * batch.attention_mask[:, 1:]).bool()
        following = batch.input_ids[:, 1:, None]
        totals["cross_entropy"] -= _sum(plain[:, :-1].gather(-1, following)[..., 0], real)
        totals["cross_entropy_ablated"] -= _sum(ablated[:, :-1].gather(-1, following)[..., 0], real)
        totals["kl"] += _sum((plain.exp() * (plain - ablated)).sum(-1)[:, :-1], real)
        n_tokens += int(real.sum())
    means = {name: total / n_tokens if n_tokens else float("nan") for name, total in totals.items()}
    return {**means, "tokens": n_tokens, "prompts": len(prompts)}


def _sum(values: Tensor, where: Tensor) -> float:
    return float(values[where].double().sum())
