"""The rule's choice, computed without scores that cannot change it: cheap scores first, and none for candidates that
are out.

Exact: the result is what `select_direction` chooses from the full table of `score_candidates`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from polyrefuse_data.benchmark.candidates import Candidate, all_candidates
from polyrefuse_data.benchmark.coherence import TRIES, coherence_prompts, coherent_share
from polyrefuse_data.benchmark.interventions import ablate
from polyrefuse_data.benchmark.means import PlaceMeans
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.scoring import CandidateScorer
from polyrefuse_data.benchmark.selection import MIN_NORM, Rule, layer_limit, rule_of


def choose_direction(
    model: ChatModel,
    directions: Tensor,
    harmful: Sequence[str],
    harmless: Sequence[str],
    refusal_token_ids: Sequence[int],
    rule: str | Rule = "arditi",
    *,
    positions: Sequence[int] | None = None,
    layers: Sequence[int] | None = None,
    mode: str = "reference",
    means: PlaceMeans | None = None,
) -> dict[str, Any] | None:
    """What `select_direction` chooses from the full table; None if the rule accepts no candidate.

    Late layers are never scored. Steering comes first (it restarts from cached layers) if the rule uses it, then KL,
    which stops early for a candidate whose mean must exceed the bound, then refusal under ablation for the rest.
    """
    scorer = CandidateScorer(model, directions, harmful, harmless, refusal_token_ids, mode, means)
    limits = rule_of(rule)
    norms = directions.norm(dim=-1)
    limit = layer_limit(model.n_layers)
    left = [
        candidate
        for candidate in all_candidates(directions, positions, layers)
        if candidate[1] < limit and norms[candidate] >= MIN_NORM
    ]
    steering: dict[Candidate, float] = {}
    if limits.min_steering > -math.inf:
        steering = dict(zip(left, scorer.steering(left), strict=True))
        left = [candidate for candidate in left if steering[candidate] >= limits.min_steering]
    kl = dict(zip(left, scorer.kl(left, cutoff=limits.max_kl), strict=True))
    left = [candidate for candidate in left if kl[candidate] <= limits.max_kl]
    refusal = dict(zip(left, scorer.refusal(left), strict=True))
    ranked = sorted(
        (candidate for candidate in left if not math.isnan(refusal[candidate])),
        key=lambda candidate: (refusal[candidate], candidate[1], candidate[0]),
    )
    asked, tries = coherence_prompts(harmful, harmless), 0
    for candidate in ranked:
        if candidate not in steering:
            steering[candidate] = scorer.steering([candidate])[0]
        if math.isnan(steering[candidate]):  # even a rule that ignores steering drops NaN
            continue
        chosen = {
            "position": candidate[0],
            "layer": candidate[1],
            "refusal_score": refusal[candidate],
            "steering_score": steering[candidate],
            "kl_div_score": kl[candidate],
            "norm": float(norms[candidate]),
        }
        if limits.min_coherent <= 0:
            return chosen
        if tries == TRIES:
            return None
        tries += 1
        share = coherent_share(model, asked, ablate(model, directions[candidate], mode, means))
        if share >= limits.min_coherent:
            return {**chosen, "coherent_share": share}
    return None
