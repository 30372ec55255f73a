"""Geometry of harmful and harmless prompts in the residual stream: PCA, directions across languages, separation by
layer.

Source: arXiv 2505.17306, section 5. Everything is measured at the last post-instruction token, where the reply starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.rows import HARMFUL, HARMLESS

Array = NDArray[np.float64]
_LAST = -1  # the last post-instruction token


def geometry(folder: RunFolder, run: dict[str, Any]) -> dict[str, Any]:
    """PCA coordinates, cosines and silhouettes of every measured language that has activations of both classes."""
    known = [language for language in run["languages"] if folder.activations(language).exists()]
    points = {language: _test_points(folder, language) for language in known}
    points = {language: pair for language, pair in points.items() if all(len(group) for group in pair)}
    trained = {language: found for language in known if (found := _trained(folder, language))}
    means = {language: difference for language, (difference, _) in trained.items()}
    layer = shared_layer(folder, run)
    return {
        "train_prompts": {language: counts for language, (_, counts) in trained.items()},
        "position": _LAST,
        "layer": layer,
        "silhouette": {language: silhouettes(*pair) for language, pair in points.items()},
        "cosine": cosines(means),
        "pca": pca(
            {language: (harmful[:, layer], harmless[:, layer]) for language, (harmful, harmless) in points.items()},
            {language: difference[layer] for language, difference in means.items()},
        ),
    }


def silhouettes(harmful: Array, harmless: Array) -> list[float]:
    """Mean silhouette of the two classes at each layer, from activations [prompts, layers, d_model].

    1 is well separated, 0 is mixed; NaN if a class has only one prompt or a layer has non-finite values.
    """
    from sklearn.metrics import silhouette_score

    labels = [1] * len(harmful) + [0] * len(harmless)
    scores = []
    for layer in range(harmful.shape[1]):
        both = np.concatenate([harmful[:, layer], harmless[:, layer]])
        usable = min(len(harmful), len(harmless)) > 1 and np.isfinite(both).all() and np.ptp(both, axis=0).any()
        scores.append(float(silhouette_score(both, labels)) if usable else float("nan"))
    return scores


def cosines(directions: dict[str, Array]) -> dict[str, Any]:
    """Cosine between the directions of each pair of languages at each layer: {languages, by_layer
    [layer][row][column]}."""
    languages = sorted(directions)
    if not languages:
        return {"languages": [], "by_layer": []}
    stacked = np.stack([directions[language] for language in languages])  # [languages, layers, d_model]
    norms = np.linalg.norm(stacked, axis=-1, keepdims=True)
    units = np.divide(stacked, norms, out=np.full_like(stacked, np.nan), where=norms > 0)
    return {"languages": languages, "by_layer": np.einsum("ild,jld->lij", units, units).tolist()}


def pca(points: dict[str, tuple[Array, Array]], directions: dict[str, Array]) -> dict[str, Any]:
    """Project all languages onto the first two principal components of all their prompts, together with their
    directions.

    Languages with non-finite values are left out. Components are signed so that their largest entry is positive;
    otherwise the picture could flip between machines.
    """
    points = {name: pair for name, pair in points.items() if all(np.isfinite(group).all() for group in pair)}
    groups = [group for pair in points.values() for group in pair]
    if not groups:
        return {"explained": [], "languages": {}}
    everything = np.concatenate(groups)
    center = everything.mean(0)
    _, singular, rows = np.linalg.svd(everything - center, full_matrices=False)
    components = rows[:2] * np.sign(rows[:2][np.arange(len(rows[:2])), np.abs(rows[:2]).argmax(1)])[:, None]
    variance = singular**2
    return {
        "explained": (variance[:2] / variance.sum()).tolist() if variance.sum() > 0 else [],
        "languages": {
            language: {
                HARMFUL: ((harmful - center) @ components.T).round(5).tolist(),
                HARMLESS: ((harmless - center) @ components.T).round(5).tolist(),
                "direction": (directions[language] @ components.T).round(5).tolist()
                if language in directions
                else None,
            }
            for language, (harmful, harmless) in points.items()
        },
    }


def _test_points(folder: RunFolder, language: str) -> tuple[Array, Array]:
    """Activations of the harmful and harmless test prompts, [prompts, layers, d_model]."""
    tensors = store.read_tensors(folder.activations(language))
    harmful, harmless = (tensors[f"test_{label}"][:, _LAST].double().numpy() for label in (HARMFUL, HARMLESS))
    return harmful, harmless


def _trained(folder: RunFolder, language: str) -> tuple[Array, dict[str, int]] | None:
    """Difference in means of the training prompts, [layers, d_model], and how many there are of each label; None if a
    class is empty."""
    tensors = store.read_tensors(folder.activations(language))
    harmful, harmless = (tensors[f"train_{label}"][:, _LAST].double() for label in (HARMFUL, HARMLESS))
    if not len(harmful) or not len(harmless):
        return None
    difference: Array = (harmful.mean(0) - harmless.mean(0)).numpy()
    return difference, {HARMFUL: len(harmful), HARMLESS: len(harmless)}


def shared_layer(folder: RunFolder, run: Mapping[str, Any]) -> int:
    """The layer of the figures: the median layer of the chosen directions, or the middle of the model."""
    chosen: Sequence[int] = sorted(
        record["chosen"]["layer"]
        for record in (store.read_json(folder.selection(language)) for language in run["source_languages"])
        if "chosen" in record
    )
    return chosen[len(chosen) // 2] if chosen else run["model"].get("n_layers", 0) // 2
