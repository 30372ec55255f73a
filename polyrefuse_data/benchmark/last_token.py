"""If only the last token's logits are needed, the last block's MLP has to run only for that token.

There is no code per model: the MLP gets the last token's slice, and its output is broadcast to the other positions,
which nobody reads. Verified once per model by comparing logits; if they differ, the full forward pass is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from polyrefuse_data.benchmark.interventions import on_input
from polyrefuse_data.benchmark.model import PROBES, ChatModel
from polyrefuse_data.benchmark.proof import agree


@contextmanager
def only_last_token(model: ChatModel) -> Iterator[None]:
    """In this context, forward passes are correct only at the last token."""
    with on_input(model.blocks[-1].mlp, lambda hidden: hidden[:, -1:].contiguous()):
        yield


def is_proved(model: ChatModel) -> bool:
    """Whether the shortcut reproduces the full forward pass's last-token logits on this model."""
    batch = model.batch(model.encode(PROBES))
    whole = model.last_logits(batch)
    try:
        with only_last_token(model):
            short = model.last_logits(batch)
    except (
        TypeError,
        ValueError,
        IndexError,
        KeyError,
        RuntimeError,
    ):  # an MLP that needs every position: the proof asks
        return False
    return agree(whole, short)
