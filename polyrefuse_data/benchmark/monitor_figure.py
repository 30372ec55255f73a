"""The figure of directions as monitors of harmful prompts, in every language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from polyrefuse_data.benchmark.charts import ALARMS, LEVELS, WIDTH, grid_of, heatmap


def monitor_figure(
    source_languages: Sequence[str], target_languages: Sequence[str], records: Sequence[dict[str, Any]]
) -> Any:
    """AUROC and carried-over false positives of each source's direction in each target; None without records."""
    sources = [code for code in source_languages if any(r["source_language"] == code for r in records)]
    targets = [code for code in target_languages if any(r["target_language"] == code for r in records)]
    if not records:
        return None
    figure, axes = grid_of(WIDTH, 1.4 + 0.2 * len(sources), 1, 2)
    for panel, name, colors, title in (
        (axes[0], "auroc", LEVELS, "AUROC"),
        (axes[1], "transferred_fpr", ALARMS, "false positives, threshold carried over"),
    ):
        cells = {(r["source_language"], r["target_language"]): r[name] for r in records}
        grid = np.array([[cells.get((source, target)) for target in targets] for source in sources], dtype=float)
        heatmap(panel, grid, sources, targets, colors, (0.5, 1.0) if name == "auroc" else (0.0, 1.0), None, "")
        panel.set_title(title)
        panel.set_xlabel("measured in")
    axes[0].set_ylabel("direction from")
    return figure
