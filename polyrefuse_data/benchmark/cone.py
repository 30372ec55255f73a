"""A cone of refusal directions, found by gradient descent on what a choice looks at.

Every vector in the cone should do what a refusal direction does: ablated, harmful prompts are not refused and harmless
ones stay as they are; added, harmless prompts are refused. Source: concept cones and refusal direction optimisation,
Wollschläger et al. 2025 (arXiv 2502.17420), with the scores of the first token in place of whole target replies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softplus

from polyrefuse_data.benchmark.interventions import ablate, add_direction
from polyrefuse_data.benchmark.means import PlaceMeans
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.models.batches import Batch

_ADDITION_WEIGHT = 0.2  # as in the source; the other two weigh 1


@dataclass(frozen=True)
class Descent:
    """How a cone is found. Each step looks at its `size` edges and one vector between them, on `batch` prompts a
    class."""

    size: int = 2
    steps: int = 60
    batch: int = 8
    rate: float = 0.01
    seed: int = 1


def refusal_cone(
    model: ChatModel,
    start: Tensor,
    layer: int,
    harmful: Sequence[str],
    harmless: Sequence[str],
    refusal_token_ids: Sequence[int],
    how: Descent = Descent(),
    mode: str = "reference",
    means: PlaceMeans | None = None,
) -> tuple[Tensor, list[float]]:
    """Orthogonal edges of a cone, [size, d_model], float64, each of the length of `start`, and the loss of each step.

    `start` ([d_model], usually the chosen difference in means) is the first edge at the beginning, random vectors
    orthogonal to it are the others. It is `layer` to whose input a direction is added. Prompts are training prompts.
    Raises ValueError for fewer prompts than a batch.
    """
    if min(len(harmful), len(harmless)) < how.batch:
        raise ValueError(f"each class needs at least {how.batch} prompts, the size of a batch")
    generator = torch.Generator().manual_seed(how.seed)
    length = float(start.norm())
    others = torch.randn(how.size - 1, len(start), generator=generator, dtype=torch.float64)
    edges = _orthonormal(torch.cat([start.to("cpu", torch.float64)[None], others])).requires_grad_()
    optimizer = torch.optim.Adam([edges], lr=how.rate)
    losses = []
    with torch.enable_grad():
        for _ in range(how.steps):
            asked = [_drawn(prompts, how.batch, generator) for prompts in (harmful, harmless)]
            loss = _loss(model, edges, length, layer, asked, refusal_token_ids, mode, means, generator)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                edges.copy_(_orthonormal(edges))
            losses.append(float(loss.detach()))
    return edges.detach() * length, losses


def _loss(
    model: ChatModel,
    edges: Tensor,
    length: float,
    layer: int,
    asked: Sequence[list[str]],
    refusal_token_ids: Sequence[int],
    mode: str,
    means: PlaceMeans | None,
    generator: torch.Generator,
) -> Tensor:
    harmful, harmless = (model.batch(model.encode(prompts)) for prompts in asked)
    tokens = sorted(set(refusal_token_ids))
    with torch.no_grad():
        plain = _first_token(model, harmless, nullcontext())
    total = torch.zeros((), dtype=torch.float64)
    vectors = list(_in_the_cone(edges, generator))
    for vector in vectors:
        still_refused = _log_odds(_first_token(model, harmful, ablate(model, vector, mode, means)), tokens)
        now_refused = _log_odds(_first_token(model, harmless, add_direction(model, length * vector, layer)), tokens)
        moved = _first_token(model, harmless, ablate(model, vector, mode, means))
        kept = (plain.exp() * (plain - moved)).sum(-1)
        parts = softplus(still_refused).mean(), softplus(-now_refused).mean(), kept.mean()
        total = total + parts[0].cpu() + _ADDITION_WEIGHT * parts[1].cpu() + parts[2].cpu()
    return total / len(vectors)


def _first_token(model: ChatModel, batch: Batch, intervention: AbstractContextManager[Any]) -> Tensor:
    """Log-probabilities of the token that follows each prompt, [prompts, vocabulary]."""
    with intervention:
        return log_softmax(model.last_logits(batch).float(), -1)


def _log_odds(logs: Tensor, tokens: Sequence[int]) -> Tensor:
    """Refusal scores with a gradient: `metrics.refusal_scores` saves memory by working in place, and has none."""
    refusing = logs[:, tokens].logsumexp(-1).clamp(max=-1e-6)
    return refusing - torch.log(-torch.expm1(refusing))


def _in_the_cone(edges: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
    """The edges, and a direction drawn between them: weights are never negative."""
    yield from edges
    if len(edges) > 1:
        weights = torch.randn(len(edges), generator=generator, dtype=torch.float64).abs()
        yield (weights / weights.norm()) @ edges


def _orthonormal(vectors: Tensor) -> Tensor:
    """The rows made orthonormal one after the other, each still on its own side."""
    basis, triangle = torch.linalg.qr(vectors.detach().T)
    return (basis * triangle.diagonal().sign()).T.contiguous()


def _drawn(prompts: Sequence[str], count: int, generator: torch.Generator) -> list[str]:
    return [prompts[index] for index in torch.randperm(len(prompts), generator=generator)[:count].tolist()]
