"""Candidate directions by their places: a post-instruction token and a layer, before one of them is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from torch import Tensor

from polyrefuse_data.errors import ConfigError

Candidate = tuple[int, int]  # (position -n_pos..-1, layer 0..n_layers-1)


def all_candidates(
    directions: Tensor, positions: Sequence[int] | None = None, layers: Sequence[int] | None = None
) -> list[Candidate]:
    """The candidates of `directions` ([n_pos, n_layers, d_model]), by position, then layer. `positions` (-n_pos to -1)
    and `layers` (0 to n_layers - 1) restrict them.

    Raises ConfigError for one that does not exist.
    """
    return candidate_places(directions.shape[0], directions.shape[1], positions, layers)


def candidate_places(
    n_positions: int, n_layers: int, positions: Sequence[int] | None, layers: Sequence[int] | None
) -> list[Candidate]:
    """The same for a model with so many post-instruction tokens and layers."""
    known = range(-n_positions, 0), range(n_layers)
    for name, given, of in (("position", positions, known[0]), ("layer", layers, known[1])):
        if wrong := sorted(set(given or ()) - set(of)):
            raise ConfigError(f"{name} {wrong[0]} is out of range for this model: use {of[0]} to {of[-1]}")
    wanted = (known[0] if positions is None else positions), (known[1] if layers is None else layers)
    return list(product(sorted(set(wanted[0])), sorted(set(wanted[1]))))
