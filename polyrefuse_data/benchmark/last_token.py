"""Where only the last token's logits are read, the last block's last sublayer has to run for that token alone.

No code per model: that sublayer (an MLP) is handed the last token's slice, and what it returns is broadcast over the
positions that nobody reads. Proved by comparing logits, by each scorer anew, as weights and hooks may have changed;
where they differ, the whole forward is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from polyrefuse_data.benchmark.interventions import on_input
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.model_proofs import PROBES
from polyrefuse_data.models.proof import agree


@contextmanager
def only_last_token(model: ChatModel) -> Iterator[None]:
    """Forwards in this context are right at the last token, and nowhere else after the last block's attention."""
    with on_input(model.blocks[-1].sublayers[-1], lambda hidden: hidden[:, -1:].contiguous()):
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
    ):  # an MLP that needs every position: the proof finds out
        return False
    return agree(whole, short)
