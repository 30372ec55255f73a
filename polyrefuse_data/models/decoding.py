"""One forward after the other over rows that grow: from a cache where the model has one that is right, whole elsewhere.

Proved once per model (`best_way`): what a step from the cache computes must be what a forward over all tokens does. A
model that keeps no such cache is run whole at every token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.models.batches import Batch
from polyrefuse_data.models.proof import COARSE, agree

CACHED = "cached"  # a step is given the mask of all tokens so far
CACHED_ALONE = "cached, no mask"  # a step is given nothing but its token: a state has no places to mask (Mamba)
WHOLE = "whole"  # no cache

# What models call the cache, as an argument and in what they return.
_NAMES = ("past_key_values", "cache_params")


class Decoding:
    """The rows of one batch while they are decoded."""

    def __init__(self, model: Any, batch: Batch, way: str) -> None:
        self._model = model
        self._batch = batch
        self._way = way
        self._cache: dict[str, Any] = {}
        self._new: Tensor | None = None

    def logits(self) -> Tensor:
        """Logits after the last token of each row, [rows, vocabulary]."""
        if self._way == WHOLE:
            logits: Tensor = self._model.last_logits(self._batch)
            return logits
        inputs = self._model.inputs(self._batch)
        if self._new is not None:  # one new token a row
            mask = inputs.pop("attention_mask")
            inputs = {name: value[:, -1:] for name, value in inputs.items()}
            inputs |= {"attention_mask": mask} if self._way == CACHED else {}
        output = self._model.network(**inputs, **self._cache, use_cache=True, **self._model.last_only)
        self._cache = {name: output[name] for name in _NAMES if output.get(name) is not None}
        last: Tensor = output.logits[:, -1, :]
        return last

    def append(self, tokens: Tensor, rows: Sequence[int] | None = None) -> None:
        """Add one token to each row; only these rows go on, where they are given."""
        ids, mask = self._batch.input_ids, self._batch.attention_mask
        if rows is not None:
            kept = torch.tensor(rows, device=ids.device)
            ids, mask = ids[kept], mask[kept]
            for cache in self._cache.values():
                cache.reorder_cache(kept)  # which also takes fewer rows
        self._new = tokens[:, None]
        self._batch = Batch(torch.cat([ids, self._new], 1), torch.cat([mask, mask.new_ones(len(ids), 1)], 1))


def best_way(model: Any, batch: Batch) -> str:
    """The way that two steps, the second after a row has left, prove right against whole forwards."""
    return next((way for way in (CACHED, CACHED_ALONE) if _is_right(model, batch, way)), WHOLE)


def _is_right(model: Any, batch: Batch, way: str) -> bool:
    steps, whole = Decoding(model, batch, way), Decoding(model, batch, WHOLE)
    rows: list[int] | None = None
    try:
        for rows in (None, list(range(1, len(batch.input_ids)))):
            logits = whole.logits()
            if not agree(logits, steps.logits(), **COARSE):
                return False
            tokens = logits.argmax(-1)
            for each in (steps, whole):
                each.append(tokens if rows is None else tokens[rows], rows)
        return agree(whole.logits(), steps.logits(), **COARSE)
    except (TypeError, ValueError, AttributeError, IndexError, KeyError, RuntimeError):  # no cache of this kind
        return False
