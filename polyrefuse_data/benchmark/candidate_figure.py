"""The candidates as the reference pipeline draws them: three scores by position and layer.

The chosen candidate is marked and those that the rule drops are crossed out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from polyrefuse_data.benchmark.charts import GREY, INK, LEVELS, ORANGE, WIDTH, grid_of, heatmap

# score, its name on the figure, and colours: those that diverge have their middle at even odds
_PANELS = (
    ("refusal_score", "refusal, ablated", "RdBu_r"),
    ("steering_score", "refusal, added", "RdBu_r"),
    ("kl_div_score", "KL, ablated", LEVELS),
)


def candidate_figure(record: Mapping[str, Any]) -> Any:
    """The figure for one source language's record; None if the record has no table."""
    table = record.get("candidates")
    if not table:
        return None
    positions = sorted({row["position"] for row in table}, reverse=True)  # last token on top
    layers = sorted({row["layer"] for row in table})
    figure, axes = grid_of(WIDTH, 1.3 + 0.2 * len(positions), 1, len(_PANELS))
    for panel, (score, title, colors) in zip(axes, _PANELS, strict=True):
        grid = np.full((len(positions), len(layers)), np.nan)
        for row in table:
            value = row[score]
            grid[positions.index(row["position"]), layers.index(row["layer"])] = np.nan if value is None else value
        heatmap(panel, grid, [str(position) for position in positions], [], colors, _limits(score, grid), None, "")
        _mark(panel, record, positions, layers)
        panel.set_title(title)
        panel.set_xlabel("layer")
        shown = range(0, len(layers), max(1, len(layers) // 8))
        panel.set_xticks(list(shown), [str(layers[index]) for index in shown])
    axes[0].set_ylabel("position")
    return figure


def _limits(score: str, grid: Any) -> tuple[float, float] | None:
    known = grid[np.isfinite(grid)]
    if score == "kl_div_score" or not known.size:
        return None
    reach = float(np.abs(known).max()) or 1.0
    return (-reach, reach)


def _mark(panel: Any, record: Mapping[str, Any], positions: list[int], layers: list[int]) -> None:
    for row in record["candidates"]:
        place = layers.index(row["layer"]), positions.index(row["position"])
        if row["dropped"][record["rule"]] is not None:
            panel.plot(*place, marker="x", markersize=3, color=GREY, markeredgewidth=0.6)
    if chosen := record.get("chosen"):
        place = layers.index(chosen["layer"]), positions.index(chosen["position"])
        panel.plot(*place, marker="s", markersize=7, markerfacecolor="none", color=INK, markeredgewidth=2.2)
        panel.plot(*place, marker="s", markersize=7, markerfacecolor="none", color=ORANGE, markeredgewidth=1.2)
