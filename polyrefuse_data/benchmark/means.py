"""Mean activations of harmless prompts at each place that ablation touches. Centred ablation keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.module_io import block_input, first_tensor, one_stream
from polyrefuse_data.benchmark.structure import Block
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.models.batches import batch_tokens, with_backoff

INPUT = "input"  # the input of a block
# Before a number: what its sublayers return, and what they add to the stream (the same, or the post-norms after them).
SUBLAYER, WRITER = "sublayer", "writer"


@dataclass(frozen=True)
class PlaceMeans:
    """Mean activations by place, each [n_layers, d_model], float64 on CPU."""

    by_place: Mapping[str, Tensor]

    def of(self, place: str, layer: int) -> Tensor:
        return self.by_place[place][layer]

    def along(self, units: Tensor, place: str, layer: int) -> Tensor:
        """The component of a mean along unit vectors, [d_model] or [rows, d_model]: [] or [rows], on their device."""
        return units @ self.of(place, layer).to(units.device)


def sublayer_places(block: Block) -> dict[str, Any]:
    """Place -> the module whose output it is, of the block's sublayers."""
    return {f"{SUBLAYER}{index}": module for index, module in enumerate(block.sublayers)}


def all_places(block: Block) -> dict[str, Any]:
    """The same of its sublayers and writers."""
    return sublayer_places(block) | {f"{WRITER}{index}": module for index, module in enumerate(block.writers)}


def harmless_means(model: ChatModel, prompts: Sequence[str]) -> PlaceMeans:
    """Mean activations over harmless prompts and their post-instruction tokens, where the reply is decided.

    Returns [n_layers, d_model] per place, float64 on CPU. Raises ConfigError if there are no prompts.
    """
    if not prompts:
        raise ConfigError("no harmless prompts: centred ablation needs their mean")
    n_positions = len(model.post_instruction_token_ids)
    encoded = model.encode(prompts)
    places = {place: None for block in model.blocks for place in (INPUT, *all_places(block))}
    sums = {place: torch.zeros(model.n_layers, model.d_model, dtype=torch.float64) for place in places}

    def add(place: str, layer: int, hidden: Tensor) -> None:
        stream = one_stream(hidden, model.blocks[layer].copies)
        sums[place][layer] += stream[:, -n_positions:].sum((0, 1), dtype=torch.float64).cpu()

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
                module.register_forward_hook(writer(place, layer)) for place, module in all_places(block).items()
            ]
            for handle in handles:
                stack.callback(handle.remove)
        for rows in model.row_batches([len(ids) for ids in encoded], batch_tokens(model.device)):
            with_backoff(run, rows)
    return PlaceMeans({place: total / (len(prompts) * n_positions) for place, total in sums.items()})
