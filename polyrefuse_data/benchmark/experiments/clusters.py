"""Harmful prompts that were refused against those that were answered, and separation against bypass rate.

Source: arXiv 2505.17306, section 5: languages whose harmful and harmless prompts lie less far apart are those in which
more harmful prompts get through. Everything is measured at the last post-instruction token.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.chosen import chosen_directions, leading
from polyrefuse_data.benchmark.experiments import Replies
from polyrefuse_data.benchmark.geometry import shared_layer, silhouettes
from polyrefuse_data.benchmark.outcomes import COMPLIED, REFUSED, outcome
from polyrefuse_data.benchmark.statistics import MIN_PROMPTS, auroc, auroc_interval, rate, rate_interval
from polyrefuse_data.benchmark.store import BASELINE, RunFolder
from polyrefuse_data.rows import HARMFUL, HARMLESS

_LAST = -1
_ALL_ORDERS = 7  # languages up to which every order is tried; beyond, random ones
_ORDERS = 5000
_SEED = 1
_FEWEST_LANGUAGES = 4  # three can be ordered in six ways: no correlation of theirs has a p under 1/6


def clusters(folder: RunFolder, run: Mapping[str, Any], replies: Replies) -> dict[str, Any] | None:
    """A record per language with activations, and the rank correlation over languages; None without activations."""
    known = [language for language in run["languages"] if folder.activations(language).exists()]
    if not known:
        return None
    layer = shared_layer(folder, run)
    chosen = chosen_directions(folder, run)
    first = leading(chosen)
    records = []
    for language in known:
        tensors = store.read_tensors(folder.activations(language))
        direction = chosen.get(language) or (chosen[first] if first else None)
        projected = direction.project(tensors[f"test_{HARMFUL}"]) if direction else None
        points = {label: tensors[f"test_{label}"][:, _LAST, layer].double().numpy() for label in (HARMFUL, HARMLESS)}
        harmful = [reply for reply in replies.get((BASELINE, language), ()) if reply["label"] == HARMFUL]
        records.append({"language": language, **language_clusters(points, harmful, projected)})
    pairs = [(r["silhouette"], r["bypass"]) for r in records if r["n"] and math.isfinite(r["silhouette"])]
    return {"layer": layer, "languages": records, "correlation": rank_correlation(pairs)}


def language_clusters(
    points: Mapping[str, NDArray[Any]], harmful: Sequence[Mapping[str, Any]], projected: NDArray[Any] | None
) -> dict[str, Any]:
    """`points` are activations [prompts, d_model] by label, `harmful` the replies to the harmful prompts in the same
    order, `projected` these prompts on a direction.

    `bypass` is the rate of coherent compliance. Refused and answered prompts are compared where there are two of each:
    by silhouette, and by how often a refused one lies further along the direction (AUROC).
    """
    found = [outcome(reply) for reply in harmful]
    bypassed = [name == COMPLIED for name in found]
    refused, answered = (np.array([name == wanted for name in found], dtype=bool) for wanted in (REFUSED, COMPLIED))
    low, high = rate_interval(bypassed)
    record: dict[str, Any] = {
        "n": len(harmful),
        "bypass": rate(bypassed),
        "bypass_low": low,
        "bypass_high": high,
        "silhouette": silhouettes(points[HARMFUL][:, None], points[HARMLESS][:, None])[0],
        "n_refused": int(refused.sum()),
        "n_answered": int(answered.sum()),
        "concludes": min(int(refused.sum()), int(answered.sum())) >= MIN_PROMPTS,
        "refused_answered": None,
        "auroc": None,
    }
    if min(record["n_refused"], record["n_answered"]) > 1:
        groups = points[HARMFUL][refused][:, None], points[HARMFUL][answered][:, None]
        record["refused_answered"] = silhouettes(*groups)[0]
        if projected is not None:
            value = auroc(projected[refused], projected[answered])
            low, high = auroc_interval(value, record["n_refused"], record["n_answered"])
            record |= {"auroc": value, "auroc_low": low, "auroc_high": high}
    return record


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> dict[str, Any] | None:
    """Spearman's correlation and its two-sided permutation p; None of fewer than four pairs, or where one side never
    changes."""
    if len(pairs) < _FEWEST_LANGUAGES:
        return None
    one, other = (_ranks(np.array(side)) for side in zip(*pairs, strict=True))
    if not one.std() or not other.std():
        return None
    generator = np.random.default_rng(_SEED)
    shuffled = (
        np.array(list(permutations(other)))
        if len(pairs) <= _ALL_ORDERS
        else np.stack([other, *(generator.permutation(other) for _ in range(_ORDERS))])
    )
    centred = one - one.mean()
    drawn = (shuffled - other.mean()) @ centred / (len(pairs) * one.std() * other.std())
    value = float(drawn[0])
    as_far = float((np.abs(drawn) >= abs(value) - 1e-12).mean())
    return {"spearman": value, "p": as_far, "n": len(pairs)}


def _ranks(values: NDArray[Any]) -> NDArray[Any]:
    """Ranks from 1; ties share their mean."""
    return np.array([(values < value).sum() + ((values == value).sum() + 1) / 2 for value in values])
