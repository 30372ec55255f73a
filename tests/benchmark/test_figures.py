"""What a reader sees in figures: names apart, numbers legible, outcomes told apart in grey, nothing unknown."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from polyrefuse_data.benchmark.charts import BLUE, WIDTH, canvas, heatmap, note
from polyrefuse_data.benchmark.experiments.figures import cluster_figure
from polyrefuse_data.benchmark.geometry_figures import cosine_figure
from polyrefuse_data.benchmark.outcome_figure import outcome_figure
from polyrefuse_data.benchmark.outcomes import OUTCOMES, REFUSED
from polyrefuse_data.benchmark.runs_figure import runs_figure
from polyrefuse_data.benchmark.selectivity_figure import selectivity_figure
from polyrefuse_data.rows import LABELS


def luminance(color: Any) -> float:
    """As WCAG has it."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(color)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one: Any, other: Any) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def point(language: str, silhouette: float, bypass: float, concludes: bool = True) -> dict[str, Any]:
    interval = {"bypass_low": max(0.0, bypass - 0.02), "bypass_high": min(1.0, bypass + 0.14)}
    return {
        "language": language,
        "n": 40,
        "silhouette": silhouette,
        "bypass": bypass,
        "concludes": concludes,
        **interval,
    }


def test_no_name_of_a_language_covers_another_or_a_mark() -> None:
    crowded = [0.31, 0.387, 0.388, 0.388, 0.388, 0.392, 0.44, 0.441, 0.441, 0.51]
    codes = ["th", "fr", "es", "ko", "yo", "it", "pl", "de", "zho_Hant", "ja"]
    figure = cluster_figure({"languages": [point(code, at, 0.0) for code, at in zip(codes, crowded, strict=True)]})
    figure.draw_without_rendering()
    axes = figure.axes[0]
    names = {text.get_text(): Text.get_window_extent(text).padded(-0.5) for text in axes.texts}  # without their lines
    assert list(names) == sorted(codes, key=lambda code: (crowded[codes.index(code)], codes.index(code)))
    for (one, box), (other, covered) in combinations(names.items(), 2):
        assert not box.overlaps(covered), f"{one} and {other}"
    for x in crowded:
        mark = axes.transData.transform((x, 0))
        assert not any(box.contains(*mark) for box in names.values())


def test_where_nothing_can_be_concluded_a_mark_is_open() -> None:
    figure = cluster_figure({"languages": [point("en", 0.3, 0.1), point("de", 0.4, 0.2, concludes=False)]})
    faces = [line.get_markerfacecolor() for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [contrast(face, "white") > 4.5 for face in faces] == [True, False]


@pytest.mark.parametrize("colors", ["Oranges", "Blues", "RdBu_r"])
def test_numbers_in_cells_stand_out_from_them(colors: str) -> None:
    values = np.arange(0.0, 101.0, 5.0)[None]
    axes = canvas(WIDTH, 2)[1]
    heatmap(axes, values, ["row"], [str(value) for value in values[0]], colors, (0, 100), "{:.0f}", "")
    for text in axes.texts:
        cell = axes.images[0].to_rgba(float(text.get_text()))[:3]
        assert contrast(text.get_color(), cell) > 3, text.get_text()


@pytest.mark.parametrize(("values", "arrow"), [((0.5, 1.0), "neither"), ((0.2, 1.0), "min"), ((0.2, 1.2), "both")])
def test_a_scale_says_that_values_lie_beyond_it(values: tuple[float, float], arrow: str) -> None:
    axes = canvas(WIDTH, 2)[1]
    heatmap(axes, np.array([[*values, np.nan]]), ["row"], list("abc"), "Blues", (0.5, 1.0), None, "AUROC")
    assert axes.images[0].colorbar.extend == arrow


def test_where_no_language_has_a_direction_there_is_no_similarity() -> None:
    """Before the first block, the tokens after a prompt are the same for all, and differences in means are zero."""
    nothing, alike = [[None] * 3] * 3, [[1.0, 0.5, -0.25], [0.5, 1.0, 0.0], [-0.25, 0.0, 1.0]]
    geometry = {"cosine": {"languages": ["en", "de", "th"], "by_layer": [nothing, alike]}, "layer": 1}
    figure = cosine_figure(["en", "de", "th"], geometry)
    mean = figure.axes[1].lines[-1].get_ydata()
    assert np.ma.getmaskarray(mean).tolist() == [True, False]
    assert float(mean[1]) == pytest.approx((0.5 - 0.25 + 0.0) / 3)


def test_outcomes_are_told_apart_in_grey() -> None:
    shares = {part: 1 / len(OUTCOMES) for part in OUTCOMES}
    row = {"n": 40, "outcomes": shares, "refusal": 1 / 6, "refusal_low": 0.1, "refusal_high": 0.3}
    figure = outcome_figure(["en"], [("before", {"en": row})])
    looks = [(part.get_facecolor()[:3], part.get_hatch()) for part in figure.axes[0].patches]
    assert len(looks) == len(OUTCOMES)
    for (color, hatch), (other, its) in combinations(looks, 2):
        assert hatch != its or contrast(color, other) > 2
    nothing = {**row, "outcomes": {part: float(part == REFUSED) for part in OUTCOMES}}
    assert len(outcome_figure(["en"], [("before", {"en": nothing})]).axes[0].patches) == 1


@pytest.mark.parametrize("names", [[f"l{n}" for n in range(10, 24)], [f"zho_Ha{n}" for n in range(10, 30)]])
def test_names_of_languages_do_not_run_into_each_other(names: list[str]) -> None:
    row = {"n": 40, "outcomes": {part: float(part == REFUSED) for part in OUTCOMES}, "refusal": 1.0}
    row |= {"refusal_low": 0.9, "refusal_high": 1.0}
    cells = [{**row, "target_language": name, "label": label} for name in names for label in LABELS]
    square = np.ones((len(names), len(names)))
    geometry = {"cosine": {"languages": names, "by_layer": [square.tolist()] * 2}, "layer": 1}
    for figure in (
        outcome_figure(names, [("before", dict.fromkeys(names, row))]),
        selectivity_figure(names, cells, set()),
        cosine_figure(names, geometry),
    ):
        figure.draw_without_rendering()
        boxes = [tick.get_window_extent() for tick in figure.axes[0].get_xticklabels()]
        assert len(boxes) == len(names)
        assert not any(one.x1 > other.x0 for one, other in pairwise(boxes))


@pytest.mark.parametrize("name", ["{}", "organisation/a-model-with-a-long-name-of-{}-billion-parameters-instruct-v{}"])
def test_long_names_of_runs_take_nothing_from_the_figure(name: str) -> None:
    names = [name.format(number, number) for number in range(7)]
    cell = {"language": "en", "n": 40, "refusal": 0.5, "refusal_low": 0.4, "refusal_high": 0.6}
    rates = [{**cell, "run": run, "label": label} for run in names for label in LABELS]
    figure = runs_figure(rates, [{"run": names[1], "label": "harmful", "language": "en", "verdict": "differs"}])
    figure.draw_without_rendering()
    legend = figure.axes[0].get_legend()
    box = legend.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
    assert figure.axes[0].get_window_extent().width > 0.8 * figure.bbox.width
    assert len({text.get_text() for text in legend.get_texts()}) == 7, "names are told apart by their ends"


def test_small_print_is_never_cut_and_no_formula() -> None:
    figure, axes = canvas(WIDTH, 2)
    axes.plot([0, 1], color=BLUE)
    note(figure, f"n = 100 test prompts a language; judge: my_judges:{'Long' * 40}$x$")
    figure.draw_without_rendering()
    box = figure._supxlabel.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
