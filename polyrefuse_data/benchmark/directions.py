"""Candidate refusal directions: differences in means of block inputs (Arditi et al. 2024, section 2.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.errors import ConfigError


def extract_directions(model: ChatModel, harmful: Sequence[str], harmless: Sequence[str]) -> Tensor:
    """mean(harmful) - mean(harmless) of block inputs: [n_pos, n_layers, d_model], float64 on CPU.

    Arditi et al. 2024, section 2.3. Raises ConfigError if either class has no prompts.
    """
    for name, prompts in (("harmful", harmful), ("harmless", harmless)):
        if not prompts:
            raise ConfigError(f"no {name} prompts: a direction is the difference between two classes and needs both")
    return difference_in_means(block_inputs(model, harmful), block_inputs(model, harmless))


def difference_in_means(harmful: Tensor, harmless: Tensor) -> Tensor:
    """Difference of the means over the first axis, in float64."""
    return harmful.to(torch.float64).mean(0) - harmless.to(torch.float64).mean(0)
