"""The same ablation as with hooks, but in the weights while a context is open, so that no token costs extra.

Only where it is proved: every block must add the outputs of its sublayers to the stream as they are, each must end
in a plain linear map, and on a probe the edited model must give the hooked model's logits. Post-norms, experts and
quantised weights are hooked. Embeddings are left alone (they may be tied to the output head): what they put into the
stream is projected at the first block. Edited weights are never written anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark.interventions import ablate, project_first_input, unit
from polyrefuse_data.benchmark.means import PlaceMeans, sublayer_places
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.model_proofs import PROBES
from polyrefuse_data.models.proof import agree

_NARROW = 3e-2  # of narrow types, relative to the largest logit: the edit rounds the weights once more


def can_edit(model: ChatModel) -> bool:
    """Whether the structure allows the edit. (The proof on a probe comes on top.)"""
    return all(
        not block.has_post_norms
        and all(linear is not None and _is_plain(linear.weight) for linear in block.output_linears)
        for block in model.blocks
    )


def _is_plain(weight: Tensor) -> bool:
    """Whether these are floats in memory. Quantised weights may call themselves floats (torchao), and weights that a
    device map keeps elsewhere are copied to be run."""
    return type(weight) is torch.nn.Parameter and weight.is_floating_point() and not weight.is_meta


def is_proved(model: ChatModel, mode: str = "reference", means: PlaceMeans | None = None) -> bool:
    """Whether the edit reproduces the hooks' logits on a probe direction, up to rounding."""
    if not can_edit(model):
        return False
    batch = model.batch(model.encode(PROBES))
    direction = torch.randn(model.d_model, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with ablate(model, direction, mode, means):
        hooked = model.last_logits(batch)
    with edited(model, direction, means):
        in_weights = model.last_logits(batch)
    return agree(hooked, in_weights, _NARROW)


@contextmanager
def edited(model: ChatModel, direction: Tensor, means: PlaceMeans | None = None) -> Iterator[None]:
    """Remove the direction ([d_model]) from the output of every linear map. The weights are restored bit for bit.

    With means, each map then adds what its mean has along the direction: a constant, added to its bias.
    """
    vector = unit(direction)
    with ExitStack() as stack:
        for layer, block in enumerate(model.blocks):
            for place, linear in zip(sublayer_places(block), block.output_linears, strict=True):
                if linear is None:
                    raise ValueError(f"block {layer} has no map to edit: see can_edit")
                for parameter in (linear.weight, linear.bias):
                    if parameter is not None:
                        stack.callback(parameter.data.copy_, parameter.detach().clone())
                        _project_rows(parameter, vector)
                if means is not None:
                    stack.enter_context(_added_to_bias(linear, vector * means.along(vector, place, layer)))
        with project_first_input(model, direction, means):
            yield


@contextmanager
def _added_to_bias(linear: Any, constant: Tensor) -> Iterator[None]:
    """Make a linear map add a constant to its output, even if it has no bias."""
    own = linear.bias
    added = constant.to(linear.weight.device, linear.weight.dtype)
    linear.bias = torch.nn.Parameter(added if own is None else own.data + added, requires_grad=False)
    try:
        yield
    finally:
        linear.bias = own


def _project_rows(parameter: Any, vector: Tensor) -> None:
    """W <- W - u (u . W), over the output axis, in float32 at least."""
    precision = torch.promote_types(parameter.dtype, torch.float32)
    weights = parameter.data.to(precision)
    u = vector.to(weights.device, precision)
    written = torch.outer(u, u @ weights) if weights.ndim == 2 else u * (u @ weights)
    parameter.data.copy_(weights - written)


@contextmanager
def fastest_ablation(
    model: ChatModel, direction: Tensor, mode: str, in_weights: bool, means: PlaceMeans | None = None
) -> Iterator[None]:
    """Ablation for generation: in the weights if `in_weights` says that this is proved, otherwise with hooks."""
    with edited(model, direction, means) if in_weights else ablate(model, direction, mode, means):
        yield
