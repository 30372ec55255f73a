"""The figure of what each language refuses of harmful and of harmless prompts, without intervention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyrefuse_data.benchmark.charts import BLUE, ORANGE, WIDTH, canvas, name_ticks, percent_axis
from polyrefuse_data.rows import HARMFUL, HARMLESS


def selectivity_figure(languages: Sequence[str], baseline: Sequence[dict[str, Any]], differing: set[str]) -> Any:
    """Both rates of each language with their intervals, from its rows without intervention; a star on the `differing`.
    None where no language has replies to both labels."""
    rows = {(r["target_language"], r["label"]): r for r in baseline}
    languages = [code for code in languages if all((code, label) in rows for label in (HARMFUL, HARMLESS))]
    languages = [code for code in languages if all(rows[code, label]["n"] for label in (HARMFUL, HARMLESS))]
    if not languages:
        return None
    figure, axes = canvas(WIDTH, 2.5)
    for place, code in enumerate(languages):
        for label, color, filling, side in ((HARMFUL, ORANGE, ORANGE, -0.12), (HARMLESS, BLUE, "white", 0.12)):
            row = rows[code, label]
            middle, low, high = (100 * row[name] for name in ("refusal", "refusal_low", "refusal_high"))
            reach = [[max(0.0, middle - low)], [max(0.0, high - middle)]]
            axes.errorbar(place + side, middle, yerr=reach, fmt="none", ecolor=color, elinewidth=1.2, capsize=2)
            name = label if not place else None
            axes.plot(place + side, middle, "o", color=color, markerfacecolor=filling, markersize=5, label=name)
    percent_axis(axes, "refusal (%)")
    axes.set_xlim(-0.5, len(languages) - 0.5)
    name_ticks(axes, [f"{code}*" if code in differing else code for code in languages])
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure
