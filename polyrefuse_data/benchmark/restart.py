"""Run a decoder from the input of one of its blocks. Earlier blocks are skipped, at no cost.

Proved by each scorer: a restart in the middle must reproduce the logits of the full forward pass, up to rounding. If it
does not (blocks that share keys or keep state), `Restart.works` is false and callers run the full pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from torch import Tensor

from polyrefuse_data.benchmark.activations import run_reading_inputs
from polyrefuse_data.benchmark.interventions import replace_input
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.model_proofs import PROBES
from polyrefuse_data.models.batches import Batch
from polyrefuse_data.models.proof import agree


class Restart:
    """Restarts for one model."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    def capture(self, batch: Batch, layers: Sequence[int]) -> dict[int, Tensor]:
        """Inputs of these blocks at every position: layer -> [rows, tokens, d_model]."""
        captured: dict[int, Tensor] = {}
        run_reading_inputs(self._model, batch, layers, captured.__setitem__)
        return captured

    @contextmanager
    def at(self, layer: int, hidden: Tensor) -> Iterator[None]:
        """Forward passes in this context begin at block `layer`, which reads `hidden` ([rows, tokens, d_model])."""
        with _passed_through(self._model, layer), replace_input(self._model, layer, hidden):
            yield

    @cached_property
    def works(self) -> bool:
        """Whether a restart in the middle of the model reproduces the logits of the full forward pass."""
        model = self._model
        if model.blocks[0].copies is not None:  # callers repeat the rows of what they capture
            return False
        batch = model.batch(model.encode(PROBES))
        layer = model.n_layers // 2
        whole = model.last_logits(batch)
        try:
            with self.at(layer, self.capture(batch, [layer])[layer]):
                again = model.last_logits(batch)
        except (TypeError, ValueError, IndexError, AttributeError, RuntimeError):  # the proof asks for it
            return False
        return agree(whole, again)


@contextmanager
def _passed_through(model: ChatModel, layer: int) -> Iterator[None]:
    """Make blocks before `layer` return their input. Undone on exit, even if a forward was already replaced
    (accelerate)."""

    def identity(hidden_states: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return hidden_states

    modules = [block.module for block in model.blocks[:layer]]
    own = [module.__dict__.get("forward") for module in modules]
    for module in modules:
        module.__dict__["forward"] = identity
    try:
        yield
    finally:
        for module, forward in zip(modules, own, strict=True):
            if forward is None:
                del module.__dict__["forward"]
            else:
                module.__dict__["forward"] = forward
