"""COSMIC: a choice by the cosine of activations, which looks at no output (Siu et al. 2025, arXiv 2506.00085).

A direction is good if harmful prompts with it ablated look like harmless ones, and harmless prompts with it added look
like harmful ones. Both are measured where the classes differ most.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.candidates import Candidate
from polyrefuse_data.benchmark.interventions import ablate, add_direction
from polyrefuse_data.benchmark.means import PlaceMeans
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.selection import MIN_NORM, layer_limit

LAYER_SHARE = 0.1  # of the layers, those where the classes are least alike


def cosmic_table(
    model: ChatModel,
    directions: Tensor,
    harmful: Sequence[str],
    harmless: Sequence[str],
    candidates: Sequence[Candidate],
    mode: str = "reference",
    means: PlaceMeans | None = None,
) -> list[dict[str, Any]]:
    """Per candidate (position, layer): `comply` = cos(harmful with it ablated, harmless), `refuse` = cos(harmless with
    it added, harmful), and `cosmic`, their sum.

    Compared are mean block inputs at the last token, concatenated over the least alike tenth of the layers.
    `directions` is [n_pos, n_layers, d_model]. Candidates that no rule takes (of norm zero, or from the last fifth of
    the layers) are left out.
    """
    plain = _last_token(model, harmful, nullcontext()), _last_token(model, harmless, nullcontext())
    alike = cosine_similarity(plain[0], plain[1], dim=-1)
    layers = alike.argsort()[: max(1, round(LAYER_SHARE * model.n_layers))]
    harmful_mean, harmless_mean = (mean[layers].flatten() for mean in plain)
    table = []
    for position, layer in candidates:
        direction = directions[position, layer]
        if layer >= layer_limit(model.n_layers) or direction.norm() < MIN_NORM:
            continue
        ablated = _last_token(model, harmful, ablate(model, direction, mode, means))[layers].flatten()
        added = _last_token(model, harmless, add_direction(model, direction, layer))[layers].flatten()
        comply = float(cosine_similarity(ablated, harmless_mean, dim=0))
        refuse = float(cosine_similarity(added, harmful_mean, dim=0))
        table.append(
            {"position": position, "layer": layer, "comply": comply, "refuse": refuse, "cosmic": comply + refuse}
        )
    return table


def cosmic_choice(table: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The candidate with the highest sum; ties go to the earlier layer, then the earlier position."""
    scored = [row for row in table if row["cosmic"] == row["cosmic"]]  # not NaN
    return min(scored, key=lambda row: (-row["cosmic"], row["layer"], row["position"]), default=None)


def _last_token(model: ChatModel, prompts: Sequence[str], intervention: AbstractContextManager[Any]) -> Tensor:
    """Mean block inputs at the last token, [n_layers, d_model], float64."""
    with intervention:
        return block_inputs(model, prompts)[:, -1].to(torch.float64).mean(0)
