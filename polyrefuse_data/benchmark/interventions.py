"""Interventions on the residual stream, as context managers that always undo: directional ablation, activation
addition.

Source: Arditi et al. 2024, section 2.4. Ablation projects the unit direction out of every block input, attention output
and MLP output. If a block adds its outputs to the residual stream unchanged, the next block's input is already clean
and needs no hook; the result is the same. Centred ablation is affine concept editing (Marshall et al. 2024, arXiv
2411.09003): the part of the harmless mean along the direction stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark.means import INPUT, PlaceMeans, all_places, sublayer_places
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.module_io import block_input, each_copy, first_tensor, with_input
from polyrefuse_data.errors import ConfigError

ABLATION_MODES = ("reference", "complete", "centred")

_NORM_EPSILON = 1e-8  # as in the reference pipeline: a zero direction ablates nothing instead of dividing by zero


def unit(direction: Tensor) -> Tensor:
    """The direction(s) scaled to length 1: [..., d_model], float64. A zero direction stays zero."""
    direction = direction.to(torch.float64)
    return direction / (direction.norm(dim=-1, keepdim=True) + _NORM_EPSILON)


@contextmanager
def ablate(
    model: ChatModel, direction: Tensor, mode: str = "reference", means: PlaceMeans | None = None
) -> Iterator[Ablation]:
    """Ablate a direction: project it out of what the blocks read and write, while the context is open.

    `direction` is [d_model], or [rows, d_model] for one direction per row of the batch. Mode "reference" projects block
    inputs, attention outputs and MLP outputs. "complete" also projects the outputs of post-norms (Gemma 2 and 3, OLMo
    2), which otherwise put the direction back into the stream. "centred" replaces x by x - ((x - mu) . d) d at the
    places of "complete", with mu the mean at that place (`means`, from `harmless_means`). Use it if massive activations
    put the mean of every prompt far along the direction: the other modes then remove that too, and break the model.

    Raises ConfigError for an unknown mode, "centred" without means, or means with another mode.
    """
    check_mode(mode, means)
    units = unit(direction)
    ablation = Ablation()

    def projector(place: str, layer: int) -> _Projector:
        return ablation.through(_Projector(units, None if means is None else means.along(units, place, layer)))

    with ExitStack() as stack:
        for index, block in enumerate(model.blocks):
            if reads_unclean_input(model, index, mode):
                stack.enter_context(on_input(block.module, each_copy(projector(INPUT, index), block.copies)))
            places = sublayer_places(block) if mode == "reference" else all_places(block)
            for module, place in _each_once(places):
                stack.enter_context(_on_output(module, each_copy(projector(place, index), block.copies)))
        yield ablation


class Ablation:
    """An ablation while it is open."""

    def __init__(self) -> None:
        self._projectors: list[_Projector] = []

    def through(self, projector: _Projector) -> _Projector:
        self._projectors.append(projector)
        return projector

    def keep_rows(self, rows: Sequence[int]) -> None:
        """Go on with these rows of the batch, each with the direction it has had."""
        for projector in self._projectors:
            projector.keep_rows(rows)


@contextmanager
def ablate_all(
    model: ChatModel, directions: Tensor, mode: str = "reference", means: PlaceMeans | None = None
) -> Iterator[None]:
    """Ablate the span of several directions ([k, d_model]): x - sum_i (x . q_i) q_i, with q an orthonormal basis of
    it."""
    basis = torch.linalg.qr(directions.to(torch.float64).T).Q.T
    with ExitStack() as stack:
        for direction in basis:  # orthogonal projections one after the other are the projection of them all
            stack.enter_context(ablate(model, direction, mode, means))
        yield


@contextmanager
def ablate_by_layer(model: ChatModel, directions: Tensor, means: PlaceMeans | None = None) -> Iterator[None]:
    """Ablate a direction of its own in each layer, [n_layers, d_model]: out of the block's input and of what its
    sublayers and post-norms write, about `means` if given."""
    if directions.shape != (model.n_layers, model.d_model):
        raise ConfigError(f"this model needs one direction per layer, of shape [{model.n_layers}, {model.d_model}]")
    units = unit(directions)

    def projector(place: str, layer: int) -> _Projector:
        return _Projector(units[layer], None if means is None else means.along(units[layer], place, layer))

    with ExitStack() as stack:
        for layer, block in enumerate(model.blocks):
            stack.enter_context(on_input(block.module, each_copy(projector(INPUT, layer), block.copies)))
            for module, place in _each_once(all_places(block)):
                stack.enter_context(_on_output(module, each_copy(projector(place, layer), block.copies)))
        yield


def check_mode(mode: str, means: PlaceMeans | None) -> None:
    """Raise ConfigError for an unknown mode, for missing means, or for means that the mode does not use."""
    if mode not in ABLATION_MODES:
        raise ConfigError(f"ablation mode {mode!r} is unknown: use {' or '.join(ABLATION_MODES)}")
    if (mode == "centred") != (means is not None):
        raise ConfigError(
            'ablation mode "centred" needs means=harmless_means(model, harmless prompts)'
            if means is None
            else f'means work only with ablation mode "centred", not {mode!r}'
        )


def reads_unclean_input(model: ChatModel, index: int, mode: str) -> bool:
    """Whether block `index` can read the direction even though every earlier sublayer output is projected."""
    return index == 0 or (mode == "reference" and model.blocks[index - 1].has_post_norms)


@contextmanager
def add_direction(model: ChatModel, direction: Tensor, layer: int, coefficient: float = 1.0) -> Iterator[None]:
    """Add `coefficient` times the raw direction to the input of block `layer` at every position (activation addition).

    `direction` is [d_model], or [rows, d_model] for one per row. Raises ConfigError if there is no such layer.
    """
    if not 0 <= layer < model.n_layers:
        raise ConfigError(f"layer {layer} is out of range: this model has layers 0 to {model.n_layers - 1}")

    def shift(hidden: Tensor) -> Tensor:
        vector = (coefficient * direction).to(hidden.device, hidden.dtype)
        return hidden + (vector[:, None, :] if vector.ndim == 2 else vector)

    block = model.blocks[layer]
    with on_input(block.module, each_copy(shift, block.copies)):
        yield


@contextmanager
def project_first_input(model: ChatModel, direction: Tensor, means: PlaceMeans | None = None) -> Iterator[None]:
    """Project the direction out of the input of the first block (the embeddings), about their mean if means are
    given."""
    units = unit(direction)
    kept = None if means is None else means.along(units, INPUT, 0)
    block = model.blocks[0]
    with on_input(block.module, each_copy(_Projector(units, kept), block.copies)):
        yield


@contextmanager
def replace_input(model: ChatModel, layer: int, hidden: Tensor) -> Iterator[None]:
    """Make block `layer` read `hidden` ([rows, tokens, d_model], or its copies) instead of its input."""
    with on_input(model.blocks[layer].module, lambda given: hidden.to(given.device)):
        yield


def _each_once(places: dict[str, Any]) -> Iterable[tuple[Any, str]]:
    """The modules at some places, each once, with the first place that it has."""
    return {places[place]: place for place in reversed(places)}.items()


class _Projector:
    """hidden -> hidden - (hidden . unit - kept) unit, in the dtype and on the device of the input.

    `kept` is one number per unit: the component to leave, by default none.
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

    def keep_rows(self, rows: Sequence[int]) -> None:
        if self._units.ndim == 2:
            self._units = self._units[list(rows)]
            self._kept = None if self._kept is None else self._kept[list(rows)]
            self._cast.clear()

    def _about(self, hidden: Tensor, kept: Tensor) -> Tensor:
        """Subtracts two large numbers, so it needs at least float32 to keep their difference."""
        precision = torch.promote_types(hidden.dtype, torch.float32)
        wide, units, kept = hidden.to(precision), self._units.to(hidden.device, precision), kept.to(hidden.device)
        if units.ndim == 2:
            units, kept = units[:, None, :], kept[:, None]
        excess = (wide * units).sum(-1) - kept.to(precision)
        return (wide - excess.unsqueeze(-1) * units).to(hidden.dtype)


@contextmanager
def on_input(module: Any, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Make `module` read `change(hidden states)` while the context is open."""

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
