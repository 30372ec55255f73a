"""Directions that mean nothing, to compare a direction with: several draws of three kinds, each seeded by its name.

- `isotropic`: any direction is as likely. In models with massive activations it hits their few large dimensions, which
  alone can break a model.
- `covariance`: drawn from the covariance of the training prompts' activations within their class, where the direction
  was taken: it points where activations vary, whatever the class.
- `shuffled`: a difference in means like the direction's own, between two halves of the training prompts that have as
  many harmful ones each: what is left of the method when there is nothing to find.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import islice
from statistics import fmean, stdev
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark.directions import difference_in_means
from polyrefuse_data.benchmark.means import PlaceMeans
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.scoring import CandidateScorer
from polyrefuse_data.benchmark.selection import MIN_NORM, SCORES
from polyrefuse_data.benchmark.store import CONTROLS


def draw_controls(direction: Tensor, harmful: Tensor, harmless: Tensor, name: str, draws: int) -> dict[str, Tensor]:
    """Kind -> [draws, d_model], float64, of the norm of `direction` ([d_model]).

    `harmful` and `harmless` are the activations that it was taken from, [prompts, d_model]. Each draw depends on
    `name`, its kind and its number alone. A kind that cannot be drawn from these prompts (all alike, or one a class) is
    left out.
    """
    classes = [activations.to(torch.float64) for activations in (harmful, harmless)]
    centred = torch.cat([activations - activations.mean(0) for activations in classes])

    def isotropic(generator: torch.Generator) -> Tensor:
        return torch.randn(direction.shape, generator=generator, dtype=torch.float64)

    def covariance(generator: torch.Generator) -> Tensor:
        return torch.randn(len(centred), generator=generator, dtype=torch.float64) @ centred

    def shuffled(generator: torch.Generator) -> Tensor:
        return _shuffled(harmful, harmless, generator)

    drawn = {}
    for kind, draw in zip(CONTROLS.values(), (isotropic, covariance, shuffled), strict=True):
        vectors = torch.stack([draw(_generator(f"{name}:{kind}:{number}")) for number in range(draws)])
        norms = vectors.norm(dim=-1, keepdim=True)
        if bool((norms > 0).all()):  # false for NaN too
            drawn[kind] = vectors * (direction.norm() / norms)
    return drawn


def draw_shuffled(harmful: Tensor, harmless: Tensor, name: str, draws: int) -> list[Tensor]:
    """The `shuffled` control for every layer at once: draws of [n_layers, d_model], float64, each layer of the norm of
    the classes' difference there. `harmful` and `harmless` are [prompts, n_layers, d_model]."""
    norms = difference_in_means(harmful, harmless).norm(dim=-1, keepdim=True)
    drawn = (_shuffled(harmful, harmless, _generator(f"{name}:shuffled:{number}")) for number in range(draws))
    return [vectors * (norms / vectors.norm(dim=-1, keepdim=True).clamp_min(MIN_NORM)) for vectors in drawn]


def score_controls(
    model: ChatModel,
    controls: Mapping[str, Tensor],
    layer: int,
    harmful: Sequence[str],
    harmless: Sequence[str],
    refusal_token_ids: Sequence[int],
    mode: str,
    means: PlaceMeans | None,
) -> dict[str, dict[str, list[float]]]:
    """Kind -> the three scores of each draw, taken as those of candidates at `layer` are."""
    if not controls:
        return {}
    drawn = torch.cat(list(controls.values()))
    directions = torch.zeros(len(drawn), model.n_layers, model.d_model, dtype=torch.float64)
    directions[:, layer] = drawn
    # All kinds share one scorer, which computes once what needs no direction; but no forward passes, so that the last
    # digits of a draw's scores do not depend on the other kinds.
    draws = len(drawn) // len(controls)
    scorer = CandidateScorer(model, directions, harmful, harmless, refusal_token_ids, mode, means, at_once=draws)
    places = [(number, layer) for number in range(len(drawn))]
    found = [iter(scores) for scores in (scorer.refusal(places), scorer.steering(places), scorer.kl(places))]
    return {
        kind: {name: list(islice(scores, len(own))) for name, scores in zip(SCORES, found, strict=True)}
        for kind, own in controls.items()
    }


def spread(values: Sequence[float | None]) -> dict[str, float]:
    """Mean, standard deviation and range over draws; nothing where a draw has no value."""
    if not values or None in values:
        return {}
    return _spread([value for value in values if value is not None])


def _spread(values: Sequence[float]) -> dict[str, float]:
    deviation = stdev(values) if len(values) > 1 else 0.0
    return {"mean": fmean(values), "deviation": deviation, "low": min(values), "high": max(values)}


def spread_of_replies(replies: Sequence[Mapping[str, Any]], draws: int, label: str, column: str) -> dict[str, float]:
    """The spread, over draws, of the share of replies to prompts of a label for which a column is true.

    The prompts of a language are shared out among the draws in turn, so a share is one of few replies.
    """
    by_draw: dict[int, list[bool]] = {}
    for place, reply in enumerate(replies):
        if reply["label"] == label:
            by_draw.setdefault(place % draws, []).append(reply[column] is True)
    return spread([fmean(found) for found in by_draw.values()])


def _shuffled(harmful: Tensor, harmless: Tensor, generator: torch.Generator) -> Tensor:
    halves = [_halves(activations, generator) for activations in (harmful, harmless)]
    one, other = (torch.cat(parts) for parts in zip(*halves, strict=True))
    return difference_in_means(one, other)


def _halves(activations: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    order = torch.randperm(len(activations), generator=generator)
    half = len(activations) // 2
    return activations[order[:half]], activations[order[half : 2 * half]]


def _generator(name: str) -> torch.Generator:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
    return torch.Generator().manual_seed(seed)
