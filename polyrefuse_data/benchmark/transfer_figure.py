"""The transfer matrix: coherent compliance gained beyond the control, and plainly what is no evidence of transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from polyrefuse_data.benchmark.charts import INK, WIDTH, canvas, heatmap
from polyrefuse_data.benchmark.contrasts import AS_CONTROL, BREAKS_MODEL, EVIDENCE, NO_CONTROL, TOO_FEW

# What a cell says besides its colour; only evidence is coloured.
_MARKS = {AS_CONTROL: "n.s.", BREAKS_MODEL: "broken", NO_CONTROL: "–", TOO_FEW: "?"}
MARKS_EXPLAINED = (
    "Only cells with a number are evidence. n.s.: not significantly beyond the control; broken: the ablation breaks "
    "the model; –: no control; ?: too few prompts to conclude anything"
)


def transfer_figure(sources: Sequence[str], targets: Sequence[str], records: Sequence[Mapping[str, Any]]) -> Any:
    """Rows are where directions come from, columns where they are ablated; None where nothing was carried over."""
    cells = {(record["source_language"], record["target_language"]): record for record in records}
    sources = [code for code in sources if any((code, target) in cells for target in targets if target != code)]
    if not sources:
        return None
    grid = np.full((len(sources), len(targets)), np.nan)
    figure, axes = canvas(WIDTH, 1.3 + 0.3 * len(sources))
    for row, source in enumerate(sources):
        for column, target in enumerate(targets):
            cell = cells.get((source, target))
            if cell is not None and cell["verdict"] == EVIDENCE:
                grid[row, column] = 100 * cell["difference"]
            elif cell is not None:
                mark = _MARKS[cell["verdict"]]
                axes.text(column, row, mark, ha="center", va="center", fontsize=6.5, color=INK)
    heatmap(axes, grid, sources, targets, "Oranges", (0, 100), "{:+.0f}", "beyond the control (points)")
    axes.set_facecolor("#f1f3f4")
    axes.set_xlabel("measured in")
    axes.set_ylabel("direction from")
    return figure
