"""When two ways to the same logits count as equal: up to the rounding of the type that they were computed in."""

from __future__ import annotations

import torch
from torch import Tensor

# Relative to the largest logit; types that are not here are narrow ones.
_ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-5}
_NARROW = 1e-2
# Where kernels of other shapes have computed the two: a wrong way is off by far more.
COARSE: dict[str, float] = {"narrow": 1e-1, "slack": 100.0}


def agree(one: Tensor, other: Tensor, narrow: float = _NARROW, slack: float = 1.0) -> bool:
    """Whether two tensors of one model are equal up to rounding, `slack` times it; NaN agrees with nothing."""
    tolerance = slack * _ROUNDING[one.dtype] if one.dtype in _ROUNDING else narrow
    first, second = one.double(), other.double()
    return bool((first - second).abs().max() <= tolerance * first.abs().max())
