"""Activation addition: does a direction make a model refuse what it answers, and what else does that cost?

Two uses (Arditi et al. 2024, section 3.2): added to harmless prompts it induces refusal, which shows that it carries
refusal; added where a language is weak it restores refusal of harmful prompts, at the price of over-refusal and broken
replies. A negative coefficient takes it away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.brokenness import beyond_ordinary, breaks_model, cross_entropy_rise, is_broken
from polyrefuse_data.benchmark.capability import capability
from polyrefuse_data.benchmark.chosen import Chosen
from polyrefuse_data.benchmark.contrasts import by_id, difference, refuses, with_verdicts
from polyrefuse_data.benchmark.experiments import Replies
from polyrefuse_data.benchmark.interventions import add_direction
from polyrefuse_data.benchmark.metrics import kl_scores, probabilities
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.reply_sources import Addition
from polyrefuse_data.benchmark.store import BASELINE, RunFolder
from polyrefuse_data.models.batches import batch_tokens
from polyrefuse_data.rows import HARMFUL, HARMLESS, LABELS


def additions(folder: RunFolder, run: Mapping[str, Any], replies: Replies) -> list[dict[str, Any]]:
    """One record per source, language and coefficient: what addition does to both labels, on the same prompts as
    without it. `verdict` is of the harmful prompts' refusal, Holm over all records."""
    records = []
    for (name, target), after in replies.items():
        if (added := Addition.of(name)) is None:
            continue
        before = replies[BASELINE, target]
        path = folder.addition(name, target)
        cost = store.read_json(path) if folder.is_output(path, run["outputs"]) else None
        refusal = {label: difference(by_id(after, label, refuses), by_id(before, label, refuses)) for label in LABELS}
        both = [{reply["id"]: is_broken(reply) for reply in found} for found in (after, before)]
        record = {
            "source_language": added.source,
            "target_language": target,
            "coefficient": added.coefficient,
            "induced": refusal[HARMLESS],
            **refusal[HARMFUL],
            "broken": difference(*both),
            "beyond_ordinary": beyond_ordinary(after, before),
            "cross_entropy_rise": cross_entropy_rise(cost),
            "kl": cost and cost["kl_last"],
            "kl_all": cost and cost["kl"],
        }
        records.append({**record, "breaks_model": breaks_model(record)})
    return sorted(with_verdicts(records), key=lambda r: (r["source_language"], r["target_language"], r["coefficient"]))


def cost_of_addition(model: ChatModel, prompts: Sequence[str], chosen: Chosen, coefficient: float) -> dict[str, Any]:
    """What addition changes on harmless prompts: cross-entropy and KL over all of their positions, as `capability` has
    them, and `kl_last`, KL at the last position, as candidates' ablations are scored."""
    found = capability(model, prompts, lambda: add_direction(model, chosen.direction, chosen.layer, coefficient))
    return {**found, "kl_last": _last_kl(model, prompts, chosen, coefficient)}


def _last_kl(model: ChatModel, prompts: Sequence[str], chosen: Chosen, coefficient: float) -> float:
    encoded = model.encode(prompts)
    total = torch.zeros((), dtype=torch.float64)
    for rows in model.row_batches([len(ids) for ids in encoded], batch_tokens(model.device)):
        batch = model.batch([encoded[row] for row in rows])
        plain = probabilities(model.last_logits(batch))
        with add_direction(model, chosen.direction, chosen.layer, coefficient):
            total += kl_scores(plain, model.last_logits(batch)).sum().cpu()
    return float(total / len(prompts)) if prompts else float("nan")
