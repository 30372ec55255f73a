"""Figure 4 of the paper: a source's chosen direction against another language's difference in means, at every layer and
position.

Where the map is bright only near the place that the direction came from, languages share that direction there and
nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.chosen import chosen_directions
from polyrefuse_data.benchmark.directions import difference_in_means
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.rows import HARMFUL, HARMLESS

_DIGITS = 4  # a map has thousands of cells, and colours show no more


def cosine_maps(folder: RunFolder, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One record per source with a direction and language with training prompts of both classes.

    `cosines` is [positions][layers], positions from -n_pos to -1; None where a difference is zero.
    """
    chosen = chosen_directions(folder, run)
    if not chosen:
        return []
    differences = _differences(folder, run)
    records = []
    for source, of in chosen.items():
        for target, difference in differences.items():
            cosines = cosine_map(of.direction.numpy(), difference)
            place = {"position": of.position, "layer": of.layer}
            where = {"source_language": source, "target_language": target, **place}
            records.append({**where, "at_place": float(cosines[of.position, of.layer]), "cosines": cosines.tolist()})
    return records


def cosine_map(direction: NDArray[Any], differences: NDArray[Any]) -> NDArray[Any]:
    """Cosine of a direction [d_model] with each difference in means [n_pos, n_layers, d_model]; NaN for a zero one."""
    norms = np.linalg.norm(differences, axis=-1) * np.linalg.norm(direction)
    products = differences @ direction
    cosines: NDArray[Any] = np.divide(products, norms, out=np.full_like(products, np.nan), where=norms > 0)
    return cosines.round(_DIGITS)


def _differences(folder: RunFolder, run: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    found = {}
    for language in run["languages"]:
        if folder.activations(language).exists():
            tensors = store.read_tensors(folder.activations(language))
            harmful, harmless = (tensors[f"train_{label}"] for label in (HARMFUL, HARMLESS))
            if len(harmful) and len(harmless):
                found[language] = difference_in_means(harmful, harmless).numpy()
    return found
