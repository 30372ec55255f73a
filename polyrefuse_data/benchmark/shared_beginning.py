"""What all prompts begin with (a template's system message, mostly) is run once for each direction, and not once more
for each prompt: prompts go on from the cache of these tokens.

Proved for each beginning, by comparing logits. Where they differ, or the model keeps no such cache, every
prompt is run whole.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.models.batches import Batch, batch_tokens, with_backoff
from polyrefuse_data.models.proof import agree

# Of a prompt. What is shorter saves less than it costs to go on from a cache.
_LEAST_SHARE = 0.15
# What is kept of the beginning under all directions.
_MOST_BYTES = 2**29


class SharedBeginning:
    """The tokens that all of some encoded prompts begin with; none (`length` 0) where that would save little, or does
    not give the same logits."""

    def __init__(self, model: ChatModel, encoded: Sequence[list[int]]) -> None:
        self._model = model
        pairs = zip(min(encoded), max(encoded), strict=False)  # what these share all share
        shortest = min(map(len, encoded))
        self._ids = [token for token, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)][: shortest - 1]
        self.length = len(self._ids)
        average = sum(map(len, encoded)) / len(encoded)
        if self.length < max(1, _LEAST_SHARE * average) or not self._is_proved(encoded):
            self.length = 0

    def run(self, rows: int, changed: Callable[[slice], AbstractContextManager[Any]]) -> Any:
        """The cache of so many rows of the beginning, while `changed` (of some of the rows) changes what the model
        computes. None where it would be too large."""
        at_once = max(1, batch_tokens(self._model.device) // self.length)
        one = self._model.batch([self._ids])
        parts: list[Any] = []

        def work(taken: Sequence[int]) -> None:
            with changed(slice(taken[0], taken[-1] + 1)):
                parts.append(self._model.cache(one.repeat(len(taken))))

        for start in range(0, rows, at_once):
            done = min(start + at_once, rows)
            with_backoff(work, range(start, done))
            if sum(map(_bytes, parts)) * rows > _MOST_BYTES * done:
                return None
        return _each_layer(parts, torch.cat)

    def batch(self, encoded: Sequence[Sequence[int]]) -> Batch:
        """A batch of these prompts. Padding stands behind the beginning, so that all rows go on from the same place."""
        if not self.length:
            return self._model.batch(encoded)
        rest = self._model.batch([ids[self.length :] for ids in encoded])
        begun = self._model.batch([self._ids[: self.length]]).repeat(len(encoded))
        return Batch(
            torch.cat([begun.input_ids, rest.input_ids], 1), torch.cat([begun.attention_mask, rest.attention_mask], 1)
        )

    def last_logits(self, batch: Batch, cache: Any, rows: Sequence[int]) -> Tensor:
        """Logits at the last token of each row of the batch, [rows, vocabulary], going on from these rows of the cache,
        which stays as it is."""
        kept = torch.tensor(rows)
        past = _each_layer([cache], lambda tensors: tensors[0].index_select(0, kept.to(tensors[0].device)))
        inputs = self._model.inputs(batch)
        rest = {name: value if name == "attention_mask" else value[:, self.length :] for name, value in inputs.items()}
        output = self._model.network(**rest, past_key_values=past, use_cache=True, **self._model.last_only)
        logits: Tensor = output.logits[:, -1, :]
        return logits

    def _is_proved(self, encoded: Sequence[list[int]]) -> bool:
        """Twice, as the first time must leave the cache as it was; padded, where the model pads."""
        longest = max(encoded, key=len)
        probes = [longest, min(encoded, key=len) if self._model.pads else longest]
        whole = torch.cat([self._model.last_logits(self._model.batch([ids])) for ids in probes]).repeat(2, 1)
        batch = self.batch(probes).repeat(2)
        try:
            cache = self._model.cache(self._model.batch([self._ids]).repeat(2))
            again = [self.last_logits(batch, cache, [1, 0, 0, 1]) for _ in range(2)]
        except (TypeError, ValueError, AttributeError, IndexError, KeyError, RuntimeError):  # no cache of this kind
            return False
        return all(agree(whole, logits) for logits in again)


def _each_layer(caches: Sequence[Any], change: Callable[[list[Tensor]], Tensor]) -> Any:
    """A cache whose tensors are made of those of the caches, layer by layer. It shares none with them."""
    whole = copy.copy(caches[0])
    whole.layers = [copy.copy(layer) for layer in whole.layers]
    for place, layer in enumerate(whole.layers):
        for name in _rows_of(layer):
            setattr(layer, name, change([getattr(cache.layers[place], name) for cache in caches]))
    return whole


def _rows_of(layer: Any) -> list[str]:
    """The attributes of a cache's layer that hold a row for each row of the batch."""
    return [name for name, value in vars(layer).items() if isinstance(value, Tensor) and value.ndim > 1]


def _bytes(cache: Any) -> int:
    return sum(getattr(layer, name).nbytes for layer in cache.layers for name in _rows_of(layer))
