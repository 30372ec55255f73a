"""Block inputs at the post-instruction tokens, computed once per prompt, for directions, geometry and monitors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.module_io import block_input, one_stream
from polyrefuse_data.models.batches import Batch, batch_tokens, with_backoff


def block_inputs(model: ChatModel, prompts: Sequence[str]) -> Tensor:
    """Inputs of every block at every post-instruction token: [prompts, n_pos, n_layers, d_model], float32 on CPU.

    With left padding, the post-instruction tokens of all rows are in the last n_pos columns.
    """
    n_positions = len(model.post_instruction_token_ids)
    encoded = model.encode(prompts)
    taken = torch.empty(len(prompts), n_positions, model.n_layers, model.d_model, dtype=torch.float32)

    def run(rows: Sequence[int]) -> None:
        def keep(layer: int, hidden: Tensor) -> None:
            stream = one_stream(hidden, model.blocks[layer].copies)[:, -n_positions:]
            taken[list(rows), :, layer] = stream.to("cpu", torch.float32)

        run_reading_inputs(model, model.batch([encoded[row] for row in rows]), range(model.n_layers), keep)

    for rows in model.row_batches([len(ids) for ids in encoded], batch_tokens(model.device)):
        with_backoff(run, rows)
    return taken


def run_reading_inputs(
    model: ChatModel, batch: Batch, layers: Iterable[int], keep: Callable[[int, Tensor], None]
) -> None:
    """Run the decoder up to the last of these blocks, and hand over what each reads: its layer and [rows, tokens,
    d_model] (or the copies of the stream, see module_io), on the model's device."""
    unread = set(layers)

    def hook(layer: int) -> Callable[..., None]:
        def read(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            keep(layer, block_input(args, kwargs))
            unread.discard(layer)
            if not unread:
                raise _AllIsRead

        return read

    handles = [model.blocks[layer].module.register_forward_pre_hook(hook(layer), with_kwargs=True) for layer in unread]
    try:
        with suppress(_AllIsRead):
            model.run_blocks(batch)
    finally:
        for handle in handles:
            handle.remove()


class _AllIsRead(Exception):
    """Ends a forward whose rest nobody reads."""
