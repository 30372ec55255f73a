"""Whether a model still speaks while a direction is ablated: the share of coherent short replies, as a bound of a rule.

KL looks at one token. Where the mean of every prompt lies far along a direction, ablating it leaves the first token
("Sure") and breaks what follows ("Sure Sure Sure ..."), which only a few generated tokens show.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor

from polyrefuse_data.benchmark.generation import Reply, generate
from polyrefuse_data.benchmark.interventions import ablate
from polyrefuse_data.benchmark.judges.conditions import is_degenerate, is_empty
from polyrefuse_data.benchmark.means import PlaceMeans
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.selection import Rule, ranking

# Enough for a loop of up to eight tokens to come back, and short beside the replies that are measured.
REPLY_TOKENS = 24
# Prompts of each class that are asked: a choice of ours; a broken model breaks on most.
PROMPTS = 8
# Candidates that are tried at most: each costs 2 * PROMPTS * REPLY_TOKENS tokens.
TRIES = 10


def is_coherent(reply: str) -> bool:
    """Whether a reply is text: neither empty nor a loop."""
    return not (is_empty(reply) or is_degenerate(reply))


def coherent_share(
    model: ChatModel, prompts: Sequence[str], intervention: AbstractContextManager[Any], tokens: int = REPLY_TOKENS
) -> float:
    """Share of coherent replies of up to `tokens` tokens under an intervention."""
    with intervention:
        replies: list[Reply] = generate(model, prompts, max_new_tokens=tokens)
    return sum(is_coherent(reply.text) for reply in replies) / len(replies)


def coherence_prompts(harmful: Sequence[str], harmless: Sequence[str]) -> list[str]:
    """The prompts that are asked: the first of each class."""
    return [*harmful[:PROMPTS], *harmless[:PROMPTS]]


def with_coherence(
    model: ChatModel,
    directions: Tensor,
    table: Sequence[dict[str, Any]],
    rule: Rule,
    prompts: Sequence[str],
    mode: str = "reference",
    means: PlaceMeans | None = None,
) -> list[dict[str, Any]]:
    """The table with `coherent_share` for as many candidates as the rule's choice needs: the best that its other bounds
    accept, one by one, until one keeps enough replies coherent. After TRIES the share of all others is None.

    `directions` is [n_pos, n_layers, d_model]. Without a bound in the rule, the table is returned as it is.
    """
    rows = [dict(row) for row in table]
    if rule.min_coherent <= 0:
        return rows
    accepted = ranking(rows, model.n_layers, rule)
    for row in accepted[:TRIES]:
        direction = directions[row["position"], row["layer"]]
        row["coherent_share"] = coherent_share(model, prompts, ablate(model, direction, mode, means))
        if row["coherent_share"] >= rule.min_coherent:
            return rows
    for row in accepted[TRIES:]:
        row["coherent_share"] = None
    return rows
