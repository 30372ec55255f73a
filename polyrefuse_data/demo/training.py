"""The training loop of both demo models: batches of similar length within a token budget, AdamW, seeded."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from polyrefuse_data.system.progress import tracked
from polyrefuse_data.system.verbosity import note

BATCH_TOKENS = 2048
IGNORED = -100  # label of a position without loss (torch's cross-entropy)
WARMUP_STEPS = 200

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Example:
    """Token ids in, labels out (as long as the ids for a decoder, of any length for an encoder-decoder)."""

    ids: list[int]
    labels: list[int]


def batches(examples: list[Example], pad: int, rng: random.Random) -> list[Batch]:
    """Batches of about BATCH_TOKENS tokens, of similar lengths, in random order."""
    shuffled = rng.sample(examples, len(examples))
    shuffled.sort(key=lambda example: len(example.ids))
    groups: list[list[Example]] = [[]]
    for example in shuffled:
        if groups[-1] and len(example.ids) * (len(groups[-1]) + 1) > BATCH_TOKENS:
            groups.append([])
        groups[-1].append(example)
    rng.shuffle(groups)
    return [_collate(group, pad) for group in groups]


def _collate(group: list[Example], pad: int) -> Batch:
    width = max(len(example.ids) for example in group)
    height = max(len(example.labels) for example in group)
    return {
        "input_ids": torch.tensor([e.ids + [pad] * (width - len(e.ids)) for e in group]),
        "attention_mask": torch.tensor([[1] * len(e.ids) + [0] * (width - len(e.ids)) for e in group]),
        "labels": torch.tensor([e.labels + [IGNORED] * (height - len(e.labels)) for e in group]),
    }


def fit(model: Any, epoch_batches: Callable[[], list[Batch]], epochs: int, learning_rate: float) -> None:
    """Train `model` in place, with AdamW, a short warm-up and linear decay. Shows the loss."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.05)
    model.train()
    step, total = 0, 0
    for epoch in range(epochs):
        epoch_of_batches = epoch_batches()
        total = total or len(epoch_of_batches) * epochs
        name = f"epoch {epoch + 1}/{epochs}"
        for batch in tracked(epoch_of_batches, name, "batches", len(epoch_of_batches)):
            rate = learning_rate * min((step + 1) / WARMUP_STEPS, max(0.02, 1 - step / total))
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = model(**batch).loss
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
        note(f"{name}: loss {loss.item():.3f}")
    model.eval()
