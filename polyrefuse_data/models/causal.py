"""A causal model as it is run: padded batches in, logits or greedy tokens out. Benchmark and translation share it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from polyrefuse_data.models.batches import Batch, padded_batch
from polyrefuse_data.models.decoding import Decoding, best_way


class Growing(Protocol):
    """A reply while it grows."""

    is_done: bool

    def add(self, chosen: int) -> int:
        """Take the model's choice, or what has to come instead; the one that was taken."""
        ...

    def fail(self) -> None:
        """The model computes no token."""
        ...


class CausalModel:
    """A causal network of transformers, for inference."""

    def __init__(self, network: Any) -> None:
        self.network = network.eval().requires_grad_(False)
        parameters = inspect.signature(network.forward).parameters
        self._takes_position_ids = "position_ids" in parameters
        # For the output head to compute the last token alone, where the model can be told.
        self.last_only = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        self._head_reads_contiguous()
        self.way = ""  # how tokens are generated, once it is proved

    def prove(self, probes: Sequence[Sequence[int]]) -> None:
        """Find the fastest right way to generate tokens, on these rows."""
        self.way = best_way(self, self.batch(probes))

    @property
    def device(self) -> torch.device:
        """The device of the input embeddings, where token ids go."""
        weights: torch.Tensor = next(self.network.get_input_embeddings().parameters())
        return weights.device

    def batch(self, token_ids: Sequence[Sequence[int]]) -> Batch:
        """Left-padded tensors of these token ids on the model's device."""
        return padded_batch(token_ids, self.device)

    def inputs(self, batch: Batch) -> dict[str, Any]:
        """Keyword arguments for a forward pass over `batch`; positions count from each row's first real token."""
        inputs: dict[str, Any] = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        if self._takes_position_ids:
            inputs["position_ids"] = batch.position_ids
        return inputs

    def last_logits(self, batch: Batch) -> Tensor:
        """Logits at the last token of each row, [rows, vocabulary], in the model's dtype."""
        output = self.network(**self.inputs(batch), use_cache=False, **self.last_only)
        return output.logits[:, -1, :]

    def decoding(self, batch: Batch) -> Decoding:
        """The rows of a batch, to be decoded token by token."""
        return Decoding(self, batch, self.way)

    def grow(
        self,
        encoded: Sequence[Sequence[int]],
        replies: Sequence[Growing],
        keep_rows: Callable[[Sequence[int]], None] | None = None,
    ) -> None:
        """Greedy search for each row, until its reply is done; rows that are leave the batch and the cache.

        `keep_rows` is told which rows of the batch go on whenever some leave it.
        """
        decoding = self.decoding(self.batch(encoded))
        active = list(replies)
        while True:
            logits = decoding.logits()
            token = logits.argmax(-1)
            broken = logits.gather(-1, token[:, None])[:, 0].isnan()  # argmax takes NaN for the largest
            taken = []
            for reply, value, is_broken in zip(active, token.tolist(), broken.tolist(), strict=True):
                if is_broken:
                    reply.fail()
                taken.append(value if is_broken else reply.add(value))
            running = [index for index, reply in enumerate(active) if not reply.is_done]
            if not running:
                return
            token = torch.tensor([taken[index] for index in running], device=logits.device)
            leaving = len(running) < len(active)
            decoding.append(token, running if leaving else None)
            if leaving and keep_rows is not None:
                keep_rows(running)
            active = [active[index] for index in running]

    def _head_reads_contiguous(self) -> None:
        """Give the output head a contiguous slice. On a strided one it multiplies row by row, ten times slower on
        CPU."""
        head = self.network.get_output_embeddings()
        if head is not None:
            head.register_forward_pre_hook(lambda module, args: (args[0].contiguous(), *args[1:]))
