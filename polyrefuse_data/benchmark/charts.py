"""Drawing helpers: one style for all figures, bars with intervals, heatmaps, panels, and SVG output."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

# Okabe-Ito: told apart with any colour vision, and in print.
INK, GREY, BLUE, ORANGE = "#1d1d1f", "#9aa0a6", "#0072b2", "#d55e00"
SKY, PURPLE, PALE = "#56b4e9", "#cc79a7", "#e4e6e9"
# Of one hue each, from white up: as plain in grey print and turned round for dark pages. ALARMS are levels to fear.
LEVELS, ALARMS = "Blues", "Oranges"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#5f6368",
    "axes.labelcolor": INK,
    "xtick.color": "#3c4043",
    "ytick.color": "#3c4043",
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": False,
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # TrueType: publishers refuse Type 3
    "svg.hashsalt": "polyrefuse",  # the same figure gives the same bytes
}
WIDTH = 7.2  # inches: the text width of a page of two columns
_DOTS_PER_INCH = 300  # of heatmaps, the only parts that are no vectors: what printers ask for
_NOTE_WIDTH = 120  # characters of the small print in a figure of WIDTH
# In points, of a name of 7 points beside a point: its height, its width a letter, and what keeps it off the mark.
_NAME_HEIGHT, _NAME_LETTER, _NAME_OFF = 8.5, 4.6, 4.0
_TICK_LETTER = 5.0  # points: the width of a letter under an axis


def heatmap(
    axes: Any,
    grid: Any,
    rows: Sequence[str],
    columns: Sequence[str],
    colors: str,
    limits: tuple[float, float] | None,
    number: str | None,
    label: str,
) -> None:
    known = np.asarray(grid)[np.isfinite(grid)]
    low, high = limits or ((float(known.min()), float(known.max())) if known.size else (0.0, 1.0))
    image = axes.imshow(grid, cmap=colors, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    axes.set_facecolor(PALE)  # of what is missing
    name_ticks(axes, columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if number is not None:
        for (row, column), value in np.ndenumerate(grid):
            if np.isfinite(value):
                dark = np.dot(image.to_rgba(value)[:3], (0.299, 0.587, 0.114)) < 0.5  # luma
                color = "white" if dark else INK
                axes.text(column, row, number.format(value), ha="center", va="center", fontsize=6.5, color=color)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.9, pad=0.02, aspect=25, extend=_beyond(known, low, high))
    bar.outline.set(edgecolor=GREY, linewidth=0.5)  # or an arrow of the palest colour is not seen
    bar.set_label(label)


def name_ticks(axes: Any, names: Sequence[str]) -> None:
    """Names along the horizontal axis, upright and small where they would run into each other."""
    room = 72 * axes.figure.get_figwidth() * axes.get_position().width
    crowded = sum(_TICK_LETTER * len(name) + 2 for name in names) > room
    look = {"rotation": 90, "fontsize": 6} if crowded else {}
    axes.set_xticks(range(len(names)), names, **look)


def _beyond(values: Any, low: float, high: float) -> str:
    """Where the scale has an arrow, because values lie beyond its end."""
    below, above = bool((values < low - 1e-6).any()), bool((values > high + 1e-6).any())
    return {(True, False): "min", (False, True): "max", (True, True): "both"}.get((below, above), "neither")


def name_points(axes: Any, points: Sequence[tuple[str, float, float, float, float]]) -> None:
    """Write names beside points, each (name, x, y, low, high), so that no name covers another, a mark or an interval.

    A name stands right or left of its own interval, as low as it can; a line leads to those that stand higher. The
    limits of the axes must be set already.
    """
    axes.figure.draw_without_rendering()  # only now it is known where on paper points are
    scale = 72 / axes.figure.dpi

    def on_paper(x: float, y: float) -> Any:
        return axes.transData.transform((x, y)) * scale

    taken = []  # left, bottom, right, top
    for _, x, y, low, high in points:
        (at, bottom), (_, middle), (_, top) = on_paper(x, low), on_paper(x, y), on_paper(x, high)
        taken += [(at - 1, bottom, at + 1, top), (at - 3, middle - 3, at + 3, middle + 3)]
    ceiling = on_paper(0, axes.get_ylim()[1])[1]
    for name, x, y, _, _ in sorted(points, key=lambda point: point[1:3]):
        at, middle = on_paper(x, y)
        width = _NAME_LETTER * len(name)
        steps = max(1, int((ceiling - middle) // _NAME_HEIGHT))
        places = [(left, 1 + step * _NAME_HEIGHT) for step in range(steps) for left in (_NAME_OFF, -_NAME_OFF - width)]
        boxes = [(at + left, middle + up, at + left + width, middle + up + _NAME_HEIGHT) for left, up in places]
        free = next((i for i, box in enumerate(boxes) if not any(_overlap(box, other) for other in taken)), 0)
        taken.append(boxes[free])
        lead = {"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2} if free > 1 else None
        axes.annotate(name, (x, y), places[free], textcoords="offset points", fontsize=7, arrowprops=lead)


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def apart(heights: Sequence[float], gap: float, top: float) -> list[float]:
    """Where labels of these heights stand so that none covers another: in their order, `gap` apart, not above `top`."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    places = list(heights)
    for below, place in pairwise(order):
        places[place] = max(places[place], places[below] + gap)
    for rank, place in enumerate(reversed(order)):
        places[place] = min(places[place], top - rank * gap)
    return places


def percent_axis(axes: Any, label: str) -> None:
    axes.set_ylim(-3, 104)  # a mark at 0 or 100 is seen whole
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.set_ylabel(label)
    axes.yaxis.grid(True, color="#e4e6e9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", length=0)


def note(figure: Any, text: str) -> None:
    """Small print under a figure: what it was measured on."""
    told = textwrap.fill(text, _NOTE_WIDTH).replace("$", r"\$")  # a name is no formula
    figure.supxlabel(told, fontsize=7, color="#5f6368", x=0.99, ha="right")


def canvas(width: float, height: float) -> tuple[Any, Any]:
    figure, axes = grid_of(width, height, 1, 1)
    return figure, axes[0]


def grid_of(width: float, height: float, rows: int, columns: int) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(rows, columns)).flatten())


def printed(figure: Any) -> tuple[bytes, bytes]:
    """The figure as SVG for pages, and as PDF for papers. It keeps the layout that the first of them gave it."""
    svg = _saved(figure, "svg", {"Date": None, "Creator": None})
    figure.set_layout_engine("none")  # finding it takes as long as drawing
    return svg, _saved(figure, "pdf", {"CreationDate": None, "Creator": None, "Producer": None})


def _saved(figure: Any, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata=metadata, dpi=_DOTS_PER_INCH)
    return buffer.getvalue()
