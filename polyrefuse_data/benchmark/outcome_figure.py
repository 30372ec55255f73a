"""What became of the harmful prompts, as stacked shares: a rate alone cannot tell an answer from a broken model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from polyrefuse_data.benchmark.charts import BLUE, GREY, INK, ORANGE, PALE, PURPLE, SKY, WIDTH, canvas, percent_axis
from polyrefuse_data.benchmark.outcomes import (
    COMPLIED,
    DEGENERATE,
    INVALID,
    OFF_LANGUAGE,
    OUTCOME_NAMES,
    OUTCOMES,
    PARTIAL,
    REFUSED,
)

_COLORS = {REFUSED: BLUE, PARTIAL: SKY, COMPLIED: ORANGE, OFF_LANGUAGE: PURPLE, DEGENERATE: GREY, INVALID: PALE}

Rows = Mapping[str, Mapping[str, Any]]  # rows of scores.json by language


def outcome_figure(languages: Sequence[str], series: Sequence[tuple[str, Rows]]) -> Any:
    """A group of stacked bars for each language, a bar for each named series, or None where there is nothing to show.

    The interval is that of refusal, which ends where the lowest part of a bar does.
    """
    series = [(name, rows) for name, rows in series if any(row["n"] for row in rows.values())]
    if not series:
        return None
    figure, axes = canvas(WIDTH, 3.1)
    width = 0.84 / len(series)
    for index, (name, rows) in enumerate(series):
        shown = [(place, rows[code]) for place, code in enumerate(languages) if code in rows and rows[code]["n"]]
        at = [place + (index - (len(series) - 1) / 2) * width for place, _ in shown]
        bottom = [0.0] * len(shown)
        for part in OUTCOMES:
            heights = [100 * row["outcomes"][part] for _, row in shown]
            label = OUTCOME_NAMES[part] if not index else None
            hatched = {"hatch": "/////", "edgecolor": GREY} if part == INVALID else {}  # too pale to be seen else
            axes.bar(at, heights, width * 0.9, bottom, color=_COLORS[part], label=label, linewidth=0, **hatched)
            bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
        low, high = (
            [abs(100 * (row[f"refusal_{end}"] - row["refusal"])) for _, row in shown] for end in ("low", "high")
        )
        middles = [100 * row["refusal"] for _, row in shown]
        axes.errorbar(at, middles, yerr=[low, high], fmt="none", ecolor=INK, elinewidth=0.7, capsize=1.2)
        if len(series) > 1:
            for place in at:
                axes.text(place, 101, name[0].upper(), ha="center", va="bottom", fontsize=6.5, color="#5f6368")
    percent_axis(axes, "replies (%)")
    axes.set_ylim(0, 106)
    axes.set_xticks(range(len(languages)), languages)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure


def letters(series: Sequence[str]) -> str:
    """What the letters above the bars stand for, as a sentence of the caption; nothing where there is one bar each."""
    return f"{', '.join(f'{name[0].upper()}: {name}' for name in series)}. " if len(series) > 1 else ""
