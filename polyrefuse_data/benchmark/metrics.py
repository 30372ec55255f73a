"""Scores computed from the last token's logits: refusal scores, and KL between two distributions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

REFUSAL_EPSILON = 1e-8
KL_EPSILON = 1e-6


def refusal_scores(logits: Tensor, refusal_token_ids: Sequence[int]) -> Tensor:
    """log p(R) - log(1 - p(R)) per row, float64, where R is the set of refusal tokens (Arditi et al. 2024, appendix B).

    Exponentials are in float32 and sums in float64, so that p(R) and 1 - p(R) both keep their relative precision.
    """
    tokens = sorted(set(refusal_token_ids))
    weights = _exponentials(logits)
    refusing = weights[:, tokens].sum(-1, dtype=torch.float64)
    weights[:, tokens] = 0.0
    other = weights.sum(-1, dtype=torch.float64)
    total = refusing + other
    return torch.log(refusing / total + REFUSAL_EPSILON) - torch.log(other / total + REFUSAL_EPSILON)


def kl_scores(p: Tensor, logits: Tensor) -> Tensor:
    """sum p (log(p + eps) - log(q + eps)) per row of `logits` ([times * rows, vocabulary]); `p` is [rows,
    vocabulary]."""
    weights = _exponentials(logits)
    log_q = weights.div_(weights.sum(-1, keepdim=True)).add_(KL_EPSILON).log_()
    entropy = (p * (p + KL_EPSILON).log()).sum(-1)
    cross = log_q.view(-1, *p.shape).mul_(p).sum(-1)
    return (entropy - cross).flatten().double()


def least_kl(vocabulary: int) -> float:
    """A lower bound of `kl_scores`, slightly below zero because of the epsilon.

    With p and q over V tokens, sum (p + eps) log((p + eps) / (q + eps)) >= 0, so the score is at least -eps sum log((p
    + eps) / eps) >= -eps V log(1 + 1 / (eps V)), as log is concave.
    """
    mass = KL_EPSILON * vocabulary
    return -mass * math.log1p(1 / mass)


def probabilities(logits: Tensor) -> Tensor:
    """Softmax over the vocabulary in float32 (in float64 for float64 input)."""
    weights = _exponentials(logits)
    return weights.div_(weights.sum(-1, keepdim=True))


def _exponentials(logits: Tensor) -> Tensor:
    logits = logits if logits.dtype == torch.float64 else logits.float()
    return (logits - logits.amax(-1, keepdim=True)).exp_()
