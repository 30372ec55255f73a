"""Drawing helpers: one style for all figures, bars with intervals, heatmaps, panels, and SVG output."""

from __future__ import annotations

import io
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
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # TrueType: publishers refuse Type 3
    "svg.hashsalt": "polyrefuse",  # the same figure gives the same bytes
}
WIDTH = 7.2  # inches: a text column of two


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
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if number is not None:
        middle, reach = (low + high) / 2, (high - low) / 2
        for (row, column), value in np.ndenumerate(grid):
            if np.isfinite(value):
                dark = abs(value - middle) > 0.6 * reach
                axes.text(
                    column,
                    row,
                    number.format(value),
                    ha="center",
                    va="center",
                    fontsize=6.5,
                    color="white" if dark else INK,
                )
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.9, pad=0.02, aspect=25)
    bar.outline.set_visible(False)
    bar.set_label(label)


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
    axes.set_ylim(0, 104)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.set_ylabel(label)
    axes.yaxis.grid(True, color="#e4e6e9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", length=0)


def note(figure: Any, text: str) -> None:
    """A line in small print under a figure: what it was measured on."""
    figure.supxlabel(text, fontsize=7, color="#5f6368", x=0.99, ha="right")


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
    figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()
