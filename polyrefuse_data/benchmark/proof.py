"""When two ways to the same logits count as equal: up to the rounding of the type that they were computed in."""

from __future__ import annotations

import torch
from torch import Tensor

# Relative to the largest logit; types that are not here are narrow ones.
_ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-5}
_NARROW = 1e-2


def agree(one: Tensor, other: Tensor, narrow: float = _NARROW) -> bool:
    """Whether two tensors of one model are equal up to rounding; NaN agrees with nothing."""
    tolerance = _ROUNDING.get(one.dtype, narrow)
    first, second = one.double(), other.double()
    return bool((first - second).abs().max() <= tolerance * first.abs().max())
