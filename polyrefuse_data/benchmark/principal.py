"""Several directions: the principal components of differences between harmful and harmless prompts."""

from __future__ import annotations

import torch
from torch import Tensor

from polyrefuse_data.benchmark.directions import difference_in_means


def principal_directions(harmful: Tensor, harmless: Tensor, count: int) -> Tensor:
    """The first components of the differences x_i - mean(harmless), [count, ..., d_model], float64.

    `harmful` and `harmless` are activations, [prompts, ..., d_model]. Components are right singular vectors of the
    differences, which are not centred, so that the first is near their mean; each has the length and sign of the
    projection of the difference in means onto it, v (v . d). Source: representation reading (Zou et al. 2023, arXiv
    2310.01405), with the harmless mean in place of a partner for each prompt. Raises ValueError if there
    are fewer harmful prompts than components.
    """
    if count > len(harmful):
        raise ValueError(
            f"{count} components need at least as many harmful prompts, not {len(harmful)}: give more prompts"
        )
    differences = harmful.to(torch.float64) - harmless.to(torch.float64).mean(0)
    moved = differences.movedim(0, -2)  # [..., prompts, d_model]
    components = torch.linalg.svd(moved, full_matrices=False).Vh[..., :count, :].movedim(-2, 0)
    mean = difference_in_means(harmful, harmless)
    return components * (components * mean).sum(-1, keepdim=True)


def first_principal_direction(harmful: Tensor, harmless: Tensor) -> Tensor:
    """The first component alone, in place of a difference in means: [..., d_model]."""
    return principal_directions(harmful, harmless, 1)[0]
