"""The figures of a run, and of several runs side by side, as print-quality SVG and PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from polyrefuse_data.benchmark import measured_on
from polyrefuse_data.benchmark.charts import STYLE, note, printed
from polyrefuse_data.benchmark.figure_catalogue import Figure, Scores, catalogue
from polyrefuse_data.benchmark.runs_figure import runs_figure
from polyrefuse_data.system.machine import cores
from polyrefuse_data.system.workers import Workers

# From so many figures on another process pays: one takes half a second, starting it two or three.
_WORTH_A_PROCESS = 20


@dataclass(frozen=True)
class Drawing:
    """A figure of the report."""

    name: str
    title: str
    caption: str
    measured_on: str  # the drawing says it too
    svg: bytes
    pdf: bytes
    of_candidates: bool = False  # among all candidate directions of a source language


def draw_all(scores: Scores, selections: Sequence[Mapping[str, Any]] = ()) -> list[Drawing]:
    """Every figure that this run has data for, in the order of the report. `selections` are the records of its source
    languages, with their candidate tables. Of many figures, another process draws every other one."""
    count = len(catalogue(scores, selections))
    if count < _WORTH_A_PROCESS or cores() == 1:
        drawn = _drawn(scores, selections, range(count))
    else:
        with Workers(1, "free some, and run the same command again") as workers:
            others = workers.submit(partial(_drawn, scores, selections), range(1, count, 2))
            drawn = _drawn(scores, selections, range(0, count, 2)) | others.result()
    return [drawn[place] for place in sorted(drawn)]


def _drawn(scores: Scores, selections: Sequence[Mapping[str, Any]], places: Sequence[int]) -> dict[int, Drawing]:
    """The figures at these places of the catalogue."""
    import matplotlib as mpl

    figures = catalogue(scores, selections)
    with mpl.rc_context(STYLE):
        drawn = {place: _draw(figures[place]) for place in places}
    return {place: drawing for place, drawing in drawn.items() if drawing is not None}


def _draw(figure: Figure) -> Drawing | None:
    drawn = figure.draw()
    if drawn is None:
        return None
    note(drawn, figure.measured_on)
    caption = f"{figure.caption} {figure.judge}."
    return Drawing(
        figure.name,
        figure.title,
        caption,
        figure.measured_on,
        *printed(drawn),
        of_candidates=figure.of_candidates,
    )


def draw_runs(rates: Sequence[Mapping[str, Any]], compared: Sequence[Mapping[str, Any]], judges: str) -> Drawing | None:
    """The figure of several runs; None where they have no language in common."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        drawn = runs_figure(rates, compared)
        if drawn is None:
            return None
        counts = [row["n"] for row in rates]
        few = measured_on.warning(min(counts))
        measured = f"n = {measured_on.few_to_many(counts)} test prompts a label and language{few}"
        note(drawn, measured)
        caption = (
            "Refusal without intervention, 95% Wilson intervals. Filled: the first run, and what differs from it on "
            f"the same prompts (McNemar, Holm over the cells of a label). {judges}."
        )
        return Drawing("comparison", "Refusal in each run", caption, measured, *printed(drawn))
