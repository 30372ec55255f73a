"""Figures of the experiments, from what scores.json says of each; None where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from polyrefuse_data.benchmark.charts import (
    BLUE,
    GREY,
    INK,
    LEVELS,
    ORANGE,
    PALE,
    WIDTH,
    apart,
    canvas,
    grid_of,
    heatmap,
    name_points,
    percent_axis,
)

_MOST_PANELS = 14
_COLUMNS = 5
_LABEL = 13  # points of the axis of changes that a label is high


def map_figure(records: Sequence[Mapping[str, Any]], source: str) -> Any:
    """One panel per other language: its differences' cosine with the source's direction, by position and layer."""
    panels = [r for r in records if r["source_language"] == source and r["target_language"] != source][:_MOST_PANELS]
    if not panels:
        return None
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = grid_of(WIDTH, 0.5 + 1.15 * rows, rows, columns)
    image = None
    for axis, record in zip(axes, panels, strict=False):
        cosines = np.array(record["cosines"], dtype=float)[::-1]  # the last token on top
        image = axis.imshow(cosines, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
        axis.set_facecolor(PALE)  # of what is missing
        axis.plot(record["layer"], -1 - record["position"], "s", markersize=4, markerfacecolor="none", color=INK)
        axis.set_title(record["target_language"])
        axis.set_xticks([0, cosines.shape[1] - 1])
        axis.set_yticks([0, len(cosines) - 1], ["-1", f"-{len(cosines)}"])
        axis.tick_params(length=0, labelsize=6.5)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    axes[0].set_ylabel("position")
    axes[0].set_xlabel("layer")
    figure.colorbar(image, ax=axes, shrink=0.7, pad=0.02, aspect=25).set_label("cosine")
    return figure


def cluster_figure(clusters: Mapping[str, Any] | None) -> Any:
    """Separation against bypass rate, one point a language, open where nothing can be concluded; None for fewer than
    two."""
    records = [r for r in (clusters or {}).get("languages", ()) if r["n"] and r["silhouette"] is not None]
    if len(records) < 2:
        return None
    figure, axes = canvas(WIDTH, 2.6)
    points = []
    for record in records:
        middle, low, high = (100 * record[name] for name in ("bypass", "bypass_low", "bypass_high"))
        color = INK if record["concludes"] else GREY
        reach = [[max(0.0, middle - low)], [max(0.0, high - middle)]]
        look = {"color": color, "markerfacecolor": INK if record["concludes"] else "white"}
        axes.errorbar(record["silhouette"], middle, yerr=reach, fmt="o", markersize=4, elinewidth=0.8, **look)
        points.append((record["language"], record["silhouette"], middle, low, high))
    percent_axis(axes, "harmful prompts answered (%)")
    axes.set_xlabel("silhouette of harmful and harmless prompts")
    axes.margins(x=0.06)  # room for the last name
    name_points(axes, points)
    return figure


def addition_figure(records: Sequence[Mapping[str, Any]]) -> Any:
    """One panel per kind of effect, one line per language, over coefficients."""
    own = [record for record in records if record["source_language"] == record["target_language"]]
    if not own:
        return None
    figure, panels = grid_of(WIDTH, 2.4, 1, 3)
    parts = (("difference", "refusal of harmful", ORANGE), ("induced", "refusal of harmless", BLUE))
    for panel, (name, title, color) in zip(panels, (*parts, ("broken", "broken replies", GREY)), strict=True):
        ends: list[tuple[str, float, float]] = []
        for language in dict.fromkeys(record["target_language"] for record in own):
            line = sorted((_point(r, name) for r in own if r["target_language"] == language), key=lambda p: p[0])
            panel.plot(*zip(*line, strict=True), marker="o", markersize=3, color=color, linewidth=1, alpha=0.8)
            ends.append((language, *line[-1]))
        for (language, end, _), height in zip(ends, apart([end[2] for end in ends], _LABEL, 100), strict=True):
            panel.annotate(language, (end, height), (4, -2), textcoords="offset points", fontsize=6.5)
        panel.axhline(0, color=GREY, linewidth=0.6)
        panel.set_ylim(-105, 105)
        panel.set_title(title)
        panel.set_xlabel("coefficient")
    panels[0].set_ylabel("change (points)")
    return figure


def jailbreak_figure(records: Sequence[Mapping[str, Any]]) -> Any:
    """How well the direction still tells wrapped harmful from wrapped harmless prompts: languages by wrappers."""
    if not records:
        return None
    languages = list(dict.fromkeys(record["language"] for record in records))
    wrappers = list(dict.fromkeys(record["wrapper"] for record in records))
    cells = {(r["wrapper"], r["language"]): r["auroc"] for r in records}
    grid = np.array([[cells.get((wrapper, code)) for code in languages] for wrapper in wrappers], dtype=float)
    figure, axes = canvas(WIDTH, 1.2 + 0.25 * len(wrappers))
    heatmap(axes, grid, [name[:24] for name in wrappers], languages, LEVELS, (0.5, 1.0), None, "AUROC")
    return figure


def _point(record: Mapping[str, Any], name: str) -> tuple[float, float]:
    value = record["difference"] if name == "difference" else record[name]["difference"]
    return record["coefficient"], 100 * value
