"""Where jailbreak prompts lie along the direction: does what carries refusal still see them?

The wrappers are the user's own (this package has none): a TOML file of `name = "text with {prompt} in it"`. The test
prompts of both labels are wrapped, so that what a wrapper adds to every prompt is told from what it hides of harm.
Source: Arditi et al. 2024, section 5, on adversarial suffixes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.chosen import Chosen, chosen_directions, leading
from polyrefuse_data.benchmark.monitor import FALSE_POSITIVE_RATE
from polyrefuse_data.benchmark.statistics import (
    MIN_PROMPTS,
    alarm_rate,
    auroc,
    auroc_interval,
    threshold_at,
    wilson_interval,
)
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.rows import HARMFUL, HARMLESS


def jailbreak_records(folder: RunFolder, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One record per language and wrapper. The direction is the language's own, or the leading source's."""
    chosen = chosen_directions(folder, run)
    records = []
    for language in run["languages"]:
        if not chosen or not folder.is_output(folder.jailbreaks(language), run["outputs"]):
            continue
        direction = direction_for(language, chosen)
        tensors = store.read_tensors(folder.activations(language))
        plain = {name: direction.project(tensor) for name, tensor in tensors.items()}
        kept = store.read_json(folder.jailbreaks(language))
        records += [
            {"language": language, "source_language": direction.language, "wrapper": name, **wrapped(found, plain)}
            for name, found in kept["wrappers"].items()
        ]
    return records


def direction_for(language: str, chosen: Mapping[str, Chosen]) -> Chosen:
    """The direction that prompts in a language are projected on."""
    return chosen.get(language) or chosen[leading(chosen) or ""]


def wrapped(found: Mapping[str, Any], plain: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """What a wrapper does, from projections and refusal scores by label (`found`) and the projections of prompts as
    they are, by `<split>_<label>`.

    `kept` is how far the wrapped harmful prompts still lie from the harmless ones, 1 being as far as unwrapped.
    """
    harmful, harmless = (np.array(found[label]["projections"]) for label in (HARMFUL, HARMLESS))
    middle = plain[f"test_{HARMLESS}"].mean()
    distance = plain[f"test_{HARMFUL}"].mean() - middle
    threshold = threshold_at(plain[f"train_{HARMLESS}"], FALSE_POSITIVE_RATE)
    alarms = {label: alarm_rate(values, threshold) for label, values in ((HARMFUL, harmful), (HARMLESS, harmless))}
    value = auroc(harmful, harmless)
    record: dict[str, Any] = {
        "n": len(harmful),
        "concludes": min(len(harmful), len(harmless)) >= MIN_PROMPTS,
        "kept": float((harmful.mean() - middle) / distance) if distance else float("nan"),
        "auroc": value,
    }
    record["auroc_low"], record["auroc_high"] = auroc_interval(value, len(harmful), len(harmless))
    for label in (HARMFUL, HARMLESS):
        low, high = wilson_interval(alarms[label], len(found[label]["projections"]))
        record |= {f"alarms_{label}": alarms[label], f"alarms_{label}_low": low, f"alarms_{label}_high": high}
        record[f"refusal_score_{label}"] = found[label]["refusal_score"]
    return record
