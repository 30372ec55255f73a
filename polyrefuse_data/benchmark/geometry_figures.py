"""The figures of activations: principal components, cosines of differences in means, and separation layer by layer.

Each takes the languages in the order of the report and `geometry` of scores.json; None where there is nothing to draw.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from polyrefuse_data.benchmark.charts import BLUE, GREY, INK, LEVELS, ORANGE, WIDTH, canvas, grid_of, heatmap
from polyrefuse_data.rows import HARMFUL, HARMLESS


def pca_figure(languages: Sequence[str], geometry: Mapping[str, Any]) -> Any:
    """All languages' test prompts on their first two components, one panel a language, with its difference in means."""
    panels = geometry["pca"]["languages"]
    if not panels:
        return None
    languages = [code for code in languages if code in panels]
    columns = min(5, len(languages))
    rows = math.ceil(len(languages) / columns)
    figure, grid = grid_of(WIDTH, 1.55 * rows + 0.4, rows, columns)
    points = np.concatenate([np.array(panels[code][label]) for code in languages for label in (HARMFUL, HARMLESS)])
    if points.shape[1] < 2:
        return None
    (left, low), (right, high) = points.min(0), points.max(0)
    for place, axes in enumerate(grid):
        if place >= len(languages):
            axes.set_visible(False)
            continue
        panel = panels[languages[place]]
        for label, color, marker in ((HARMLESS, BLUE, "o"), (HARMFUL, ORANGE, "^")):
            at = np.array(panel[label])
            axes.scatter(at[:, 0], at[:, 1], s=9, c=color, marker=marker, alpha=0.75, linewidths=0, label=label)
        if panel["direction"] is not None:
            start = np.array(panel[HARMLESS]).mean(0)
            end = start + np.array(panel["direction"])
            axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.1})
        axes.set_title(languages[place])
        axes.set_xlim(left - 0.06 * (right - left), right + 0.06 * (right - left))
        axes.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
        axes.set_xticks([])
        axes.set_yticks([])
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def cosine_figure(languages: Sequence[str], geometry: Mapping[str, Any]) -> Any:
    """The cosines of all languages at the chosen layer, and each one's mean with the others at every layer."""
    found = geometry["cosine"]
    languages = [code for code in languages if code in found["languages"]]
    if len(languages) < 2:
        return None
    places = [found["languages"].index(code) for code in languages]  # that of every other figure
    cosines = np.array(found["by_layer"], dtype=float)[:, places][:, :, places]  # [layers, row, column], NaN for None
    figure, (left, right) = grid_of(WIDTH, 3.3, 1, 2)
    heatmap(left, cosines[geometry["layer"]], languages, languages, LEVELS, (0, 1), None, "cosine")
    known = np.ma.masked_invalid(cosines)  # before the first block, tokens after the prompt are the same in all
    known[:, range(len(languages)), range(len(languages))] = np.ma.masked
    others = known.mean(axis=2)
    right.plot(others, color=GREY, linewidth=0.9)
    lowest = int(others[-1].argmin())
    right.plot(
        others[:, lowest],
        color=ORANGE,
        linewidth=1.6,
        linestyle="--",
        label=f"{languages[lowest]}: least like the others",
    )
    right.plot(others.mean(1), color=INK, linewidth=1.6, label="mean of all languages")
    right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    right.set_xlabel("layer")
    right.set_ylabel("mean cosine with the others")
    right.set_xlim(-0.5, len(others) - 0.5)
    right.set_ylim(min(0.0, others.min()) - 0.02, 1.02)
    right.xaxis.get_major_locator().set_params(integer=True)
    return figure


def silhouette_figure(languages: Sequence[str], geometry: Mapping[str, Any]) -> Any:
    """The mean silhouette of harmful and harmless prompts, [languages, layers]."""
    by_language = geometry["silhouette"]
    languages = [code for code in languages if code in by_language]
    if not languages:
        return None
    grid = np.array([by_language[code] for code in languages], dtype=float)
    figure, axes = canvas(WIDTH, 1.2 + 0.22 * len(languages))
    heatmap(axes, grid, languages, [str(layer) for layer in range(grid.shape[1])], LEVELS, None, None, "silhouette")
    axes.set_xlabel("layer")
    return figure
