"""Mean activations of harmless prompts at each place that ablation touches. Centred ablation keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark.batches import batch_tokens, sorted_batches, with_backoff
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.structure import Block, block_input, first_tensor
from polyrefuse_data.errors import ConfigError

INPUT = "input"  # what a block reads
# What its sublayers return, and what they add to the stream: the same, or the post-norms after them.
WRITTEN = ("attention", "mlp", "attention_written", "mlp_written")


@dataclass(frozen=True)
class PlaceMeans:
    """Mean activations by place, each [n_layers, d_model], float64 on CPU."""

    by_place: Mapping[str, Tensor]

    def of(self, place: str, layer: int) -> Tensor:
        return self.by_place[place][layer]


def written_modules(block: Block) -> dict[str, Any]:
    """The modules at the places in WRITTEN."""
    return dict(zip(WRITTEN, (block.attention, block.mlp, *block.writers), strict=True))


def harmless_means(model: ChatModel, prompts: Sequence[str]) -> PlaceMeans:
    """Mean activations over harmless prompts and their post-instruction tokens, where the reply is decided.

    Returns [n_layers, d_model] per place, float64 on CPU. Raises ConfigError if there are no prompts.
    """
    if not prompts:
        raise ConfigError("no harmless prompts: centred ablation keeps their mean")
    n_positions = len(model.post_instruction_token_ids)
    encoded = model.encode(prompts)
    sums = {place: torch.zeros(model.n_layers, model.d_model, dtype=torch.float64) for place in (INPUT, *WRITTEN)}

    def add(place: str, layer: int, hidden: Tensor) -> None:
        sums[place][layer] += hidden[:, -n_positions:].sum((0, 1), dtype=torch.float64).cpu()

    def reader(layer: int) -> Callable[..., None]:
        return lambda module, args, kwargs: add(INPUT, layer, block_input(args, kwargs))

    def writer(place: str, layer: int) -> Callable[..., None]:
        return lambda module, args, output: add(place, layer, first_tensor(output))

    def run(rows: Sequence[int]) -> None:
        before = {place: tensor.clone() for place, tensor in sums.items()}
        try:
            model.run_blocks(model.batch([encoded[row] for row in rows]))
        except (RuntimeError, MemoryError):  # the rows are tried again in smaller batches
            sums.update(before)
            raise

    with ExitStack() as stack:
        for layer, block in enumerate(model.blocks):
            handles = [block.module.register_forward_pre_hook(reader(layer), with_kwargs=True)]
            handles += [
                module.register_forward_hook(writer(place, layer)) for place, module in written_modules(block).items()
            ]
            for handle in handles:
                stack.callback(handle.remove)
        for rows in sorted_batches([len(ids) for ids in encoded], batch_tokens(model.device)):
            with_backoff(run, rows)
    return PlaceMeans({place: total / (len(prompts) * n_positions) for place, total in sums.items()})
