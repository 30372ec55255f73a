"""The output layer of a transformers model, computed for some tokens only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from polyrefuse_data.translation.trimming import Kept


class TrimmedHead(torch.nn.Module):  # type: ignore[misc]  # torch is not typed here
    """Scores of the kept tokens at their places; all others have none. The weights are copied, once."""

    def __init__(self, head: torch.nn.Linear, kept: Kept) -> None:
        super().__init__()
        self.kept = kept
        self._size = head.out_features
        self._rows = torch.tensor(kept.ids.tolist(), device=head.weight.device)
        self._weight = head.weight.detach()[self._rows]
        self._bias = None if head.bias is None else head.bias.detach()[self._rows]

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        scores = hidden.new_full((*hidden.shape[:-1], self._size), float("-inf"))
        scores[..., self._rows] = torch.nn.functional.linear(hidden, self._weight, self._bias)
        return scores


@contextmanager
def output_layer(model: Any, head: torch.nn.Module | None) -> Iterator[None]:
    """Let `model` use another output layer, if there is one, within this block."""
    own = model.get_output_embeddings()
    if head is not None:
        model.set_output_embeddings(head)
    try:
        yield
    finally:
        model.set_output_embeddings(own)
