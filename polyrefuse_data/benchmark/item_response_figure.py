"""Model or translation? Which part of the outcomes is the prompt's, the language's, the translation's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from polyrefuse_data.benchmark.charts import BLUE, GREY, INK, ORANGE, PALE, WIDTH, grid_of

_PARTS = {
    "prompt": ("prompt", BLUE),
    "language": ("language", ORANGE),
    "translation": ("translation", INK),
    "rest": ("the rest: prompt in that language, and chance", PALE),
}


def item_response_figure(records: Sequence[Mapping[str, Any]]) -> Any:
    """Shares of the variance, and the languages' levels, of the first record; None without one."""
    if not records:
        return None
    record = records[0]
    figure, (left, right) = grid_of(WIDTH, 2.6, 1, 2)
    for place, row in enumerate(record["shares"]):
        name, color = _PARTS[row["part"]]
        middle, low, high = (100 * row[end] for end in ("share", "low", "high"))
        left.barh(place, middle, color=color, edgecolor=GREY, linewidth=0.5)
        left.plot([low, high], [place, place], color=GREY if color == INK else INK, linewidth=1)
        left.text(high + 2, place, name, va="center", fontsize=7)
    left.set_xlim(0, 100)
    left.set_yticks([])
    left.invert_yaxis()
    left.set_xlabel("share of the variance (%)")
    languages = sorted(record["languages"], key=lambda row: row["level"])
    for place, row in enumerate(languages):
        right.plot([row["low"], row["high"]], [place, place], color=GREY, linewidth=1.2)
        right.plot(row["level"], place, "o", color=INK, markersize=4)
    right.axvline(0, color=GREY, linewidth=0.6)
    right.set_yticks(range(len(languages)), [row["language"] for row in languages])
    right.tick_params(axis="y", length=0, labelsize=7)
    right.set_xlabel("log-odds, from the mean of languages")
    return figure
