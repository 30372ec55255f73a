"""Batches of similar length within a budget of padded tokens, so that little computation is spent on padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# What a batch costs however few texts are in it, in padded tokens: with every step the whole model comes out of memory.
# On a CPU it is worth several times more, but then small sets would be padded by more than 15%.
_BATCH_COST = 128

# However short a text is, it takes memory for its scores over the vocabulary, as much as so many source tokens.
_SCORES = 12


def token_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Split the indices of `lengths` into batches of similar length, with size x (longest + _SCORES) at most `budget`.

    Of all such batchings, this is the one with the fewest padded tokens, counting _BATCH_COST more per batch. Longest
    first, so that running out of memory happens at once. A text longer than the whole budget is a batch of its own.
    """
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    # The cheapest way to the first n texts ends with the batch that begins at begins[n].
    costs = np.full(len(order) + 1, np.inf)
    begins = np.zeros(len(order) + 1, dtype=int)
    costs[0] = 0
    for begin, index in enumerate(order):
        longest = max(lengths[index], 1)
        most = max(budget // (longest + _SCORES), 1)
        ends = slice(begin + 1, begin + 1 + most)
        ways = costs[begin] + _BATCH_COST + longest * np.arange(1, len(costs[ends]) + 1)
        cheaper = ways < costs[ends]
        costs[ends][cheaper] = ways[cheaper]
        begins[ends][cheaper] = begin
    batches: list[list[int]] = []
    end = len(order)
    while end:
        begin = int(begins[end])
        batches.append(order[begin:end])
        end = begin
    return batches[::-1]


def padding_ratio(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> float:
    """Padded tokens over real tokens of a batching; 1.0 means no padding."""
    padded = sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)
    return padded / max(sum(lengths), 1)
