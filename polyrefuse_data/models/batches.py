"""Batches of token rows: left-padded, sorted by length, within a token budget, and split when memory runs out."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import torch
from torch import Tensor

from polyrefuse_data.system.machine_faults import is_out_of_memory

# Tokens a forward may hold. On CPU more than this leaves the caches; on a GPU fewer leave it idle.
CPU_BATCH_TOKENS = 4096
GPU_BATCH_TOKENS = 65536

_PAD = 0  # any id will do: padding is masked, and its logits are never read

T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """Left-padded rows. All tensors are [rows, tokens]; `attention_mask` is 0 on padding."""

    input_ids: Tensor
    attention_mask: Tensor

    @property
    def position_ids(self) -> Tensor:
        return (self.attention_mask.cumsum(-1) - 1).clamp_min(0)

    def repeat(self, times: int) -> Batch:
        """The batch repeated `times` times: all rows, then all rows again."""
        return Batch(self.input_ids.repeat(times, 1), self.attention_mask.repeat(times, 1))


def padded_batch(token_ids: Sequence[Sequence[int]], device: torch.device) -> Batch:
    """Left-pad rows of token ids to one length."""
    longest = max(len(row) for row in token_ids)
    ids = torch.tensor([[_PAD] * (longest - len(row)) + list(row) for row in token_ids])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in token_ids])
    return Batch(ids.to(device), mask.to(device))


def batch_tokens(device: torch.device) -> int:
    """The token budget of one forward pass on `device`."""
    return CPU_BATCH_TOKENS if device.type == "cpu" else GPU_BATCH_TOKENS


def sorted_batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices in batches of similar length, longest first, each at most `budget` tokens including padding, but at least
    one row."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    start = 0
    while start < len(order):
        rows = max(1, budget // lengths[order[start]])
        yield order[start : start + rows]
        start += rows


def equal_length_batches(lengths: Sequence[int]) -> list[list[int]]:
    """Indices grouped by exact length, longest first, so that nothing is padded."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    return [list(group) for _, group in groupby(order, key=lambda i: lengths[i])]


def with_backoff(work: Callable[[Sequence[T]], None], items: Sequence[T]) -> None:
    """Call `work(items)`, in halves if memory runs out. Re-raises the error if a single item does not fit."""
    try:
        work(items)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error) or len(items) <= 1:
            raise
    else:
        return
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    half = len(items) // 2
    with_backoff(work, items[:half])
    with_backoff(work, items[half:])
