"""Block inputs at the post-instruction tokens, computed once per prompt, for directions, geometry and monitors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.module_io import block_input, one_stream
from polyrefuse_data.models.batches import batch_tokens, with_backoff


def block_inputs(model: ChatModel, prompts: Sequence[str]) -> Tensor:
    """Inputs of every block at every post-instruction token: [prompts, n_pos, n_layers, d_model], float32 on CPU.

    With left padding, the post-instruction tokens of all rows are in the last n_pos columns.
    """
    n_positions = len(model.post_instruction_token_ids)
    encoded = model.encode(prompts)
    taken = torch.empty(len(prompts), n_positions, model.n_layers, model.d_model, dtype=torch.float32)

    def run(rows: Sequence[int]) -> None:
        def keep(layer: int, copies: int | None) -> Callable[..., None]:
            def hook(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
                hidden = one_stream(block_input(args, kwargs), copies)[:, -n_positions:]
                taken[list(rows), :, layer] = hidden.to("cpu", torch.float32)

            return hook

        handles = [
            block.module.register_forward_pre_hook(keep(layer, block.copies), with_kwargs=True)
            for layer, block in enumerate(model.blocks)
        ]
        try:
            model.run_blocks(model.batch([encoded[row] for row in rows]))
        finally:
            for handle in handles:
                handle.remove()

    for rows in model.row_batches([len(ids) for ids in encoded], batch_tokens(model.device)):
        with_backoff(run, rows)
    return taken
