"""Interventions on the residual stream as context managers that always undo: directional ablation, activation addition.

Source: Arditi et al. 2024, section 2.4. Ablation projects the unit direction out of every block input, attention output
and MLP output. Where a block's outputs reach the residual stream as they are, the next block's input is already clean,
and no hook is put there; the result is the same. Centred ablation is affine concept editing (Marshall et al. 2024,
arXiv 2411.09003): the part of the harmless mean that lies along the direction stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark.means import INPUT, PlaceMeans, all_places, sublayer_places
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.module_io import block_input, first_tensor, with_input
from polyrefuse_data.errors import ConfigError

ABLATION_MODES = ("reference", "complete", "centred")

_NORM_EPSILON = 1e-8  # as in the reference pipeline: a zero direction ablates nothing instead of dividing by zero


def unit(direction: Tensor) -> Tensor:
    """The direction(s) at length 1, [..., d_model], float64; a zero direction stays zero."""
    direction = direction.to(torch.float64)
    return direction / (direction.norm(dim=-1, keepdim=True) + _NORM_EPSILON)


@contextmanager
def ablate(
    model: ChatModel, direction: Tensor, mode: str = "reference", means: PlaceMeans | None = None
) -> Iterator[None]:
    """Project a direction out of what the blocks read and write, until the block of this context ends.

    `direction` is [d_model], or [rows, d_model] for a direction of its own per row of the batch. Mode "reference"
    projects block inputs, attention outputs and MLP outputs; "complete" also what post-norms write after them (Gemma 2
    and 3, OLMo 2), which put the direction back into the stream in mode "reference". Mode "centred" changes the places
    of "complete" to x - ((x - mu) . d) d, with mu the mean at that place (`harmless_means`): where massive activations
    put the mean of every prompt far along the direction, the other modes take that out too, and break the model.
    """
    check_mode(mode, means)
    units = unit(direction)

    def projector(place: str, layer: int) -> _Projector:
        return _Projector(units, None if means is None else units @ means.of(place, layer))

    with ExitStack() as stack:
        for index, block in enumerate(model.blocks):
            if reads_unclean_input(model, index, mode):
                stack.enter_context(on_input(block.module, projector(INPUT, index)))
            places = sublayer_places(block) if mode == "reference" else all_places(block)
            for module, place in {places[place]: place for place in reversed(places)}.items():  # each module once
                stack.enter_context(_on_output(module, projector(place, index)))
        yield


def check_mode(mode: str, means: PlaceMeans | None) -> None:
    """Raise ConfigError for an unknown mode, one without the means it needs, or means that it has no use for."""
    if mode not in ABLATION_MODES:
        raise ConfigError(f"ablation mode {mode!r} is not known: use {' or '.join(ABLATION_MODES)}")
    if (mode == "centred") != (means is not None):
        raise ConfigError(
            'ablation mode "centred" needs means=harmless_means(model, harmless prompts)'
            if means is None
            else f'means are for ablation mode "centred", not {mode!r}'
        )


def reads_unclean_input(model: ChatModel, index: int, mode: str) -> bool:
    """Whether block `index` can read the direction although every sublayer output before it is projected."""
    return index == 0 or (mode == "reference" and model.blocks[index - 1].has_post_norms)


@contextmanager
def add_direction(model: ChatModel, direction: Tensor, layer: int, coefficient: float = 1.0) -> Iterator[None]:
    """Add `coefficient` times the raw direction to the input of block `layer` at every position (activation addition).

    `direction` is [d_model], or [rows, d_model] for one per row.
    """
    if not 0 <= layer < model.n_layers:
        raise ConfigError(f"layer {layer} is not one of this model's 0..{model.n_layers - 1}")

    def shift(hidden: Tensor) -> Tensor:
        vector = (coefficient * direction).to(hidden.device, hidden.dtype)
        return hidden + (vector[:, None, :] if vector.ndim == 2 else vector)

    with on_input(model.blocks[layer].module, shift):
        yield


@contextmanager
def project_first_input(model: ChatModel, direction: Tensor, means: PlaceMeans | None = None) -> Iterator[None]:
    """Project the direction out of what the first block reads, the embeddings, about their mean where means are
    given."""
    units = unit(direction)
    kept = None if means is None else units @ means.of(INPUT, 0)
    with on_input(model.blocks[0].module, _Projector(units, kept)):
        yield


@contextmanager
def replace_input(model: ChatModel, layer: int, hidden: Tensor) -> Iterator[None]:
    """Let block `layer` read `hidden` ([rows, tokens, d_model]) in place of what it is given."""
    with on_input(model.blocks[layer].module, lambda given: hidden.to(given.device)):
        yield


class _Projector:
    """hidden -> hidden - (hidden . unit - kept) unit, in the dtype and on the device of what it is given.

    `kept` is one number a unit: what is to be left along it, nothing by default.
    """

    def __init__(self, units: Tensor, kept: Tensor | None = None) -> None:
        self._units = units
        self._kept = kept
        self._cast: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def __call__(self, hidden: Tensor) -> Tensor:
        if self._kept is not None:
            return self._about(hidden, self._kept)
        key = (hidden.device, hidden.dtype)
        if key not in self._cast:
            self._cast[key] = self._units.to(*key)
        units = self._cast[key]
        if units.ndim == 1:
            return hidden - (hidden @ units).unsqueeze(-1) * units
        units = units[:, None, :]
        return torch.addcmul(hidden, (hidden * units).sum(-1, keepdim=True), units, value=-1)

    def _about(self, hidden: Tensor, kept: Tensor) -> Tensor:
        """Two large numbers are subtracted here: float32 at least, or nothing of their difference is left."""
        precision = torch.promote_types(hidden.dtype, torch.float32)
        wide, units, kept = hidden.to(precision), self._units.to(hidden.device, precision), kept.to(hidden.device)
        if units.ndim == 2:
            units, kept = units[:, None, :], kept[:, None]
        excess = (wide * units).sum(-1) - kept.to(precision)
        return (wide - excess.unsqueeze(-1) * units).to(hidden.dtype)


@contextmanager
def on_input(module: Any, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Let `module` read `change(hidden states)`, until the block of this context ends."""

    def hook(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return with_input(args, kwargs, change(block_input(args, kwargs)))

    handle = module.register_forward_pre_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _on_output(module: Any, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    def hook(module: Any, args: tuple[Any, ...], output: Any) -> Any:
        changed = change(first_tensor(output))
        return type(output)((changed, *output[1:])) if isinstance(output, tuple | list) else changed

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
