"""What is left of refusal when the difference of the classes is erased, in every language, beyond its control.

Ablation may break a model with massive activations, and shows nothing then. Erasure leaves such a model whole, so it
tells whether what carries refusal in one language carries it in others.
"""

from __future__ import annotations

from typing import Any

from polyrefuse_data.benchmark.contrasts import beyond_controls, by_id, difference, refuses, with_evidence
from polyrefuse_data.benchmark.experiments import Replies
from polyrefuse_data.benchmark.reply_sources import Erased
from polyrefuse_data.benchmark.statistics import rate, rate_interval
from polyrefuse_data.benchmark.store import BASELINE, CONTROLS, RANDOM_SHUFFLED
from polyrefuse_data.rows import HARMFUL, HARMLESS


def erasures(replies: Replies) -> list[dict[str, Any]]:
    """One record per source and target language. `difference` is coherent compliance with harmful prompts beyond
    shuffled labels; `refusal` is what is left of the refusal `before`, and `harmless` the change of refusal of harmless
    prompts."""
    records = []
    for (name, target), after in replies.items():
        erased = Erased.of(name)
        if erased is None or erased.is_control:
            continue
        before = replies[BASELINE, target]
        control = replies.get((Erased(erased.source, is_control=True).folder, target))
        controls = {} if control is None else {CONTROLS[RANDOM_SHUFFLED]: control}
        refused, refused_before = (
            [reply["refusal"] is True for reply in found if reply["label"] == HARMFUL] for found in (after, before)
        )
        low, high = rate_interval(refused)
        records.append(
            {
                "source_language": erased.source,
                "target_language": target,
                "before": rate(refused_before),
                "refusal": rate(refused),
                "refusal_low": low,
                "refusal_high": high,
                "harmless": difference(by_id(after, HARMLESS, refuses), by_id(before, HARMLESS, refuses)),
                **beyond_controls(after, before, controls),
            }
        )
    return with_evidence(sorted(records, key=lambda record: (record["source_language"], record["target_language"])))
