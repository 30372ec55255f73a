"""What became of the harmful prompts, as stacked shares: a rate alone cannot tell an answer from a broken model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from polyrefuse_data.benchmark.charts import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    WIDTH,
    canvas,
    name_ticks,
    percent_axis,
)
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
# In grey print, and for many who see colours otherwise, colours alone are too alike. Lines: dots make large files.
_HATCHES = {COMPLIED: ("////", "white"), OFF_LANGUAGE: ("||||", "white"), DEGENERATE: ("xxxx", "white")}
_HATCHES[INVALID] = ("/////", GREY)  # too pale to be seen else

Rows = Mapping[str, Mapping[str, Any]]  # rows of scores.json by language


def outcome_figure(languages: Sequence[str], series: Sequence[tuple[str, Rows]]) -> Any:
    """A group of stacked bars for each language, a bar for each named series, or None where there is nothing to show.

    The interval is that of refusal, which ends where the lowest part of a bar does.
    """
    from matplotlib.patches import Patch

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
            parts = [bar for bar in zip(at, heights, bottom, strict=True) if bar[1]]
            for place, height, low_end in parts:  # those of no height would only swell the file
                axes.bar(place, height, width * 0.9, low_end, **_look(part))
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
    name_ticks(axes, languages)
    handles = [Patch(label=OUTCOME_NAMES[part], **_look(part)) for part in OUTCOMES]
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure


def _look(part: str) -> dict[str, Any]:
    hatch, edge = _HATCHES.get(part, (None, None))
    return {"facecolor": _COLORS[part], "hatch": hatch, "edgecolor": edge, "linewidth": 0}


def letters(series: Sequence[str]) -> str:
    """What the letters above the bars stand for, as a sentence of the caption; nothing where there is one bar each."""
    return f"{', '.join(f'{name[0].upper()}: {name}' for name in series)}. " if len(series) > 1 else ""
