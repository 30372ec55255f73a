"""Refusal in several runs, language by language, in one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from polyrefuse_data.benchmark.charts import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    WIDTH,
    grid_of,
    name_ticks,
    percent_axis,
)
from polyrefuse_data.benchmark.contrasts import DIFFERS
from polyrefuse_data.rows import LABELS

_COLORS = (INK, ORANGE, BLUE, PURPLE, SKY, GREY)
_LONGEST = 40  # characters of a name in the legend
_LETTER, _KEY = 5.6, 36  # points: the width of one of them, and of the mark and the gaps beside a name
_LINE = 0.18  # inches: the height of a line of the legend
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def runs_figure(rates: Sequence[Mapping[str, Any]], compared: Sequence[Mapping[str, Any]]) -> Any:
    """A panel for each label, a mark for each run and language with its interval; filled where it differs from the
    first run. None where no language is in two runs."""
    names = list(dict.fromkeys(row["run"] for row in rates))
    languages = list(dict.fromkeys(row["language"] for row in rates))
    if len(names) < 2 or not compared:
        return None
    differs = {(r["run"], r["label"], r["language"]) for r in compared if r["verdict"] == DIFFERS}
    columns = _columns(names)
    figure, panels = grid_of(WIDTH, 4.4 + _LINE * -(-len(names) // columns), len(LABELS), 1)
    for panel, label in zip(panels, LABELS, strict=True):
        for index, name in enumerate(names):
            color, marker = _COLORS[index % len(_COLORS)], _MARKERS[index % len(_MARKERS)]
            side = (index - (len(names) - 1) / 2) * 0.7 / len(names)
            for row in rates:
                if (row["run"], row["label"]) != (name, label) or not row["n"]:
                    continue
                at, middle = languages.index(row["language"]) + side, 100 * row["refusal"]
                reach = [[max(0.0, middle - 100 * row["refusal_low"])], [max(0.0, 100 * row["refusal_high"] - middle)]]
                filled = not index or (name, label, row["language"]) in differs
                panel.errorbar(at, middle, yerr=reach, fmt="none", ecolor=color, elinewidth=0.9)
                panel.plot(at, middle, marker, color=color, markersize=4, markerfacecolor=color if filled else "white")
            panel.plot([], [], marker, color=color, markersize=4, linestyle="none", label=_shown(name))
        percent_axis(panel, f"{label} refused (%)")
        panel.set_xlim(-0.6, len(languages) - 0.4)
        name_ticks(panel, languages)
    panels[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns)
    return figure


def _columns(names: Sequence[str]) -> int:
    """Of the legend, so that it is no wider than the figure."""
    widest = _KEY + _LETTER * min(_LONGEST, max(map(len, names)))
    return max(1, min(3, len(names), int(72 * WIDTH // widest)))


def _shown(name: str) -> str:
    """A name as the legend holds it: short, with its end, in which names of models differ, and no formula."""
    half = _LONGEST // 2
    short = name if len(name) <= _LONGEST else f"{name[: half - 1]}…{name[-half:]}"
    return short.replace("$", r"\$")
