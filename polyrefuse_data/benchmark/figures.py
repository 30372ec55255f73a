"""The figures of a run as print-quality SVG: those of the paper, plus controls, selectivity and the monitor.

Each function takes the contents of scores.json and returns a matplotlib figure, or None if there is nothing to draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from polyrefuse_data.benchmark.candidate_figure import candidate_figure
from polyrefuse_data.benchmark.charts import (
    ALARMS,
    BLUE,
    GREY,
    INK,
    LEVELS,
    ORANGE,
    STYLE,
    WIDTH,
    canvas,
    grid_of,
    heatmap,
    note,
    percent_axis,
    printed,
)
from polyrefuse_data.benchmark.contrasts import DIFFERS
from polyrefuse_data.benchmark.experiments.figures import (
    addition_figure,
    cluster_figure,
    jailbreak_figure,
    map_figure,
)
from polyrefuse_data.benchmark.item_response_figure import item_response_figure
from polyrefuse_data.benchmark.judges.in_english import ENGLISH
from polyrefuse_data.benchmark.outcome_figure import letters, outcome_figure
from polyrefuse_data.benchmark.runs_figure import runs_figure
from polyrefuse_data.benchmark.statistics import MIN_PROMPTS
from polyrefuse_data.benchmark.store import ABLATION, BASELINE, RANDOM
from polyrefuse_data.benchmark.transfer_figure import MARKS_EXPLAINED, transfer_figure
from polyrefuse_data.languages import language
from polyrefuse_data.rows import HARMFUL, HARMLESS, LABELS
from polyrefuse_data.system.machine import cores
from polyrefuse_data.system.workers import Workers

Scores = dict[str, Any]

# From so many figures on another process pays: one takes half a second, starting it two or three.
_WORTH_A_PROCESS = 20

CANDIDATES = "candidates_"  # how the names of figures of candidate directions begin
_OF_TRAINING = ("cosine",)  # figures of differences in means, by the beginnings of their names
_UNJUDGED = ("pca", "silhouette", "monitor", "jailbreaks")  # of test prompts, whatever the replies


@dataclass(frozen=True)
class Drawing:
    """A figure of the report."""

    name: str
    title: str
    caption: str
    svg: bytes
    pdf: bytes


def draw_all(scores: Scores, selections: Sequence[Mapping[str, Any]] = ()) -> list[Drawing]:
    """Every figure that this run has data for, in the order of the report. `selections` are the records of its source
    languages, with their candidate tables. Of many figures, another process draws every other one."""
    count = len(_catalogue(scores)) + len(selections)
    if count < _WORTH_A_PROCESS or cores() == 1:
        drawn = _drawn(scores, selections, range(count))
    else:
        with Workers(1, "free some, and run the same command again") as workers:
            others = workers.submit(partial(_drawn, scores, selections), range(1, count, 2))
            drawn = _drawn(scores, selections, range(0, count, 2)) | others.result()
    return [drawn[place] for place in sorted(drawn)]


def _drawn(scores: Scores, selections: Sequence[Mapping[str, Any]], places: Sequence[int]) -> dict[int, Drawing]:
    """The figures at these places: those of the catalogue come first, then those of candidates."""
    import matplotlib as mpl

    catalogue = _catalogue(scores)
    drawn = {}
    with mpl.rc_context(STYLE):
        for place in places:
            if place < len(catalogue):
                drawing = _of_catalogue(scores, *catalogue[place])
            else:
                drawing = _of_candidates(selections[place - len(catalogue)])
            if drawing is not None:
                drawn[place] = drawing
    return drawn


def _of_catalogue(scores: Scores, name: str, title: str, caption: str, draw: Callable[[Scores], Any]) -> Drawing | None:
    figure = draw(scores)
    if figure is None:
        return None
    measured_on = _trained_on(scores) if name.startswith(_OF_TRAINING) else _measured_on(scores)
    by = "no judge" if name.startswith((*_OF_TRAINING, *_UNJUDGED)) else _judged_by(scores)
    note(figure, measured_on)
    return Drawing(name, title, f"{caption} {measured_on}; {by}.", *printed(figure))


def draw_runs(rates: Sequence[Mapping[str, Any]], compared: Sequence[Mapping[str, Any]], judges: str) -> Drawing | None:
    """The figure of several runs; None where they have no language in common."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        figure = runs_figure(rates, compared)
        if figure is None:
            return None
        few, many = min(row["n"] for row in rates), max(row["n"] for row in rates)
        n = f"n = {few}" if few == many else f"n = {few} to {many}"
        measured_on = f"{n} test prompts a label and language{_warning(few)}; {judges}"
        note(figure, measured_on)
        caption = (
            "Refusal without intervention, 95% Wilson intervals. Filled: differs from the first run on the same "
            f"prompts (McNemar, Holm over the cells of a label). {measured_on}."
        )
        return Drawing("comparison", "Refusal in each run", caption, *printed(figure))


def _judged_by(scores: Scores) -> str:
    settings = scores["run"]["settings"]
    seen = " on English translations" if settings.get("judge_on") == ENGLISH else ""
    return f"judge: {settings['judge']}{seen}"


def _measured_on(scores: Scores) -> str:
    """How many prompts: part of every figure and, with the judge, of its caption."""
    counts = []
    for label in LABELS:
        found = {row["n"] for row in _rows(scores, BASELINE) if row["label"] == label}
        few, many = min(found, default=0), max(found, default=0)
        counts.append(f"{few} {label}" if few == many else f"{few} to {many} {label}")
    few = min((row["n"] for row in _rows(scores, BASELINE)), default=0)
    return f"n = {' and '.join(counts)} test prompts a language{_warning(few)}"


def _warning(few: int) -> str:
    return f" (under {MIN_PROMPTS}: nothing can be concluded)" if few < MIN_PROMPTS else ""


def _trained_on(scores: Scores) -> str:
    """The same for what is made of training prompts. Runs of before did not count them."""
    counts = (scores.get("geometry") or {}).get("train_prompts") or {}
    told = []
    for label in LABELS:
        found = [of[label] for of in counts.values()]
        few, many = min(found, default=0), max(found, default=0)
        told.append(f"{few} {label}" if few == many else f"{few} to {many} {label}")
    return f"n = {' and '.join(told)} training prompts a language" if counts else "training prompts"


def _of_candidates(record: Mapping[str, Any]) -> Drawing | None:
    figure = candidate_figure(record)
    if figure is None:
        return None
    n = " and ".join(f"{len(record['prompts'][f'validation_{label}'])} {label}" for label in LABELS)
    measured_on = f"n = {n} validation prompts"
    note(figure, measured_on)
    name = language(record["language"]).name
    return Drawing(
        f"{CANDIDATES}{record['language']}",
        f"Candidate directions from {name}",
        "Refusal score of harmful prompts with each candidate ablated, of harmless ones with it added, and KL to the "
        f"plain model on harmless ones. The square is the choice of rule {record['rule']}; crosses are what it drops. "
        f"{measured_on}; no judge.",
        *printed(figure),
    )


def _catalogue(scores: Scores) -> list[tuple[str, str, str, Callable[[Scores], Any]]]:
    carried = [source for source in scores["source_languages"] if len(_cells(scores, source)) > 1]
    return [
        (
            "outcomes",
            "What became of the harmful prompts",
            "Every reply has one outcome. "
            f"{letters([name for name, _ in _own_series(scores)])}The interval is that of refusal (95%, Wilson).",
            lambda scores: outcome_figure(scores["languages"], _own_series(scores)),
        ),
        (
            "selectivity",
            "Does the model refuse what it should?",
            "Refusal of harmful (filled) and of harmless prompts (open), with 95% Wilson "
            "intervals. The distance is the selectivity. A star: refusal of harmful prompts differs from English on "
            "the same prompts (McNemar, Holm over the languages).",
            _selectivity,
        ),
        *(
            (
                f"outcomes_from_{source}",
                f"The {language(source).name} direction in every language",
                "What became of the harmful prompts. "
                f"{letters([name for name, _ in _source_series(scores, source)])}The interval is that of refusal.",
                lambda scores, source=source: outcome_figure(scores["languages"], _source_series(scores, source)),
            )
            for source in _first_sources(carried)
        ),
        (
            "transfer",
            "Transfer of refusal directions between languages",
            "Coherent compliance with harmful prompts when the row's direction is ablated in the column's language, "
            f"minus that with the strictest control ablated there: points, on the same prompts. {MARKS_EXPLAINED} "
            "(exact McNemar, Holm over the cells). Blank: not run, or no direction was found.",
            lambda scores: transfer_figure(scores["source_languages"], scores["languages"], scores["transfer"]),
        ),
        (
            "item_response",
            "Model or translation?",
            "A Rasch model of what gets through (harmful prompts answered coherently, or harmless ones refused where "
            "none are): shares of the variance of the log-odds, and each language's level, with 95% intervals.",
            lambda scores: item_response_figure(scores.get("item_response") or []),
        ),
        (
            "pca",
            "Harmful and harmless prompts in the residual stream",
            "First two principal components of all languages' test prompts together, at the last post-instruction "
            "token; the arrow is the language's difference in means.",
            _pca,
        ),
        (
            "cosine",
            "Similarity of directions across languages",
            "Left: cosine between differences in means at the layer of the other figures. Right: mean cosine of each "
            "language with all others, layer by layer.",
            _cosine,
        ),
        (
            "silhouette",
            "Separation of harmful from harmless, layer by layer",
            "Mean silhouette of the two classes at the last post-instruction token. 1 is well apart, 0 is mixed.",
            _silhouette,
        ),
        *_of_experiments(scores),
        (
            "monitor",
            "The direction as a monitor of harmful prompts",
            "Projection on the row's direction, in the column's language. Left: AUROC. Right: false positives when the "
            "row's own 1% threshold is carried over unchanged.",
            _monitor,
        ),
    ]


def _of_experiments(scores: Scores) -> list[tuple[str, str, str, Callable[[Scores], Any]]]:
    """The further experiments, of which runs of before have none."""
    found = scores.get("experiments") or {}
    maps = found.get("cosine_map") or []
    return [
        *(
            (
                f"cosine_map_{source}",
                f"The {language(source).name} direction against other languages' differences",
                "Cosine of the chosen direction with each language's difference in means at every layer and "
                "post-instruction position (the paper's Figure 4). The square is where the direction was taken.",
                lambda scores, source=source: map_figure(maps, source),
            )
            for source in _first_sources([code for code in scores["source_languages"] if _has_map(maps, code)])[:1]
        ),
        (
            "clusters",
            "Separation and what gets through",
            "Coherent compliance with harmful prompts (95% Wilson interval) against the silhouette of harmful and "
            f"harmless prompts. {_correlation(found.get('clusters'))}",
            lambda scores: cluster_figure(found.get("clusters")),
        ),
        (
            "addition",
            "Each language's direction, added",
            "Change against the same prompts without it, by coefficient. More refusal of harmless prompts is "
            "over-refusal, and broken replies refuse nothing.",
            lambda scores: addition_figure(found.get("addition") or []),
        ),
        (
            "jailbreaks",
            "Wrapped prompts along the direction",
            "AUROC of the projection: wrapped harmful against wrapped harmless test prompts.",
            lambda scores: jailbreak_figure(found.get("jailbreaks") or []),
        ),
    ]


def _has_map(maps: Sequence[Mapping[str, Any]], source: str) -> bool:
    return any(record["source_language"] == source for record in maps)


def _correlation(clusters: Mapping[str, Any] | None) -> str:
    found = (clusters or {}).get("correlation")
    if not found:
        return "Too few languages, or no difference between them, for a correlation."
    return f"Spearman {found['spearman']:+.2f} over {found['n']} languages (permutation p = {found['p']:.3f})."


# The languages whose directions the paper carries to all others; others that were run follow.
_PAPER_SOURCES = ("en", "zh", "de", "th")


def _first_sources(carried: Sequence[str]) -> list[str]:
    return [source for source in _PAPER_SOURCES if source in carried] or list(carried[:1])


def _own_series(scores: Scores) -> list[tuple[str, dict[str, Any]]]:
    """Rows by language: without intervention, with the control, with the language's own direction ablated."""
    series = [
        ("before", _by_language(scores, BASELINE)),
        ("random direction ablated", _by_language(scores, RANDOM)),
        ("own direction ablated", _by_language(scores, ABLATION)),
    ]
    return [(name, rows) for name, rows in series if rows]


def _source_series(scores: Scores, source: str) -> list[tuple[str, dict[str, Any]]]:
    name = f"the {language(source).name} direction ablated"
    return [*_own_series(scores)[:2], (name, _cells(scores, source))]


def _selectivity(scores: Scores) -> Any:
    rows = {(r["target_language"], r["label"]): r for r in _rows(scores, BASELINE)}
    languages = [code for code in scores["languages"] if all((code, label) in rows for label in (HARMFUL, HARMLESS))]
    languages = [code for code in languages if all(rows[code, label]["n"] for label in (HARMFUL, HARMLESS))]
    if not languages:
        return None
    figure, axes = canvas(WIDTH, 2.5)
    for place, code in enumerate(languages):
        for label, color, filling, side in ((HARMFUL, ORANGE, ORANGE, -0.12), (HARMLESS, BLUE, "white", 0.12)):
            row = rows[code, label]
            middle, low, high = (100 * row[name] for name in ("refusal", "refusal_low", "refusal_high"))
            reach = [[max(0.0, middle - low)], [max(0.0, high - middle)]]
            axes.errorbar(place + side, middle, yerr=reach, fmt="none", ecolor=color, elinewidth=1.2, capsize=2)
            name = label if not place else None
            axes.plot(place + side, middle, "o", color=color, markerfacecolor=filling, markersize=5, label=name)
    differs = {
        record["language"]
        for record in scores["languages_compared"]
        if record["label"] == HARMFUL and record["verdict"] == DIFFERS
    }
    percent_axis(axes, "refusal (%)")
    axes.set_xlim(-0.5, len(languages) - 0.5)
    axes.set_xticks(range(len(languages)), [f"{code}*" if code in differs else code for code in languages])
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def _pca(scores: Scores) -> Any:
    panels = scores["geometry"]["pca"]["languages"]
    if not panels:
        return None
    languages = [code for code in scores["languages"] if code in panels]
    columns = min(5, len(languages))
    rows = math.ceil(len(languages) / columns)
    figure, grid = grid_of(WIDTH, 1.55 * rows + 0.4, rows, columns)
    points = np.concatenate([np.array(panels[code][label]) for code in languages for label in (HARMFUL, HARMLESS)])
    if points.shape[1] < 2:
        return None
    (left, low), (right, high) = points.min(0), points.max(0)
    for place, axes in enumerate(grid):
        if place >= len(languages):
            axes.set_visible(False)
            continue
        panel = panels[languages[place]]
        for label, color, marker in ((HARMLESS, BLUE, "o"), (HARMFUL, ORANGE, "^")):
            at = np.array(panel[label])
            axes.scatter(at[:, 0], at[:, 1], s=9, c=color, marker=marker, alpha=0.75, linewidths=0, label=label)
        if panel["direction"] is not None:
            start = np.array(panel[HARMLESS]).mean(0)
            end = start + np.array(panel["direction"])
            axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.1})
        axes.set_title(languages[place])
        axes.set_xlim(left - 0.06 * (right - left), right + 0.06 * (right - left))
        axes.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
        axes.set_xticks([])
        axes.set_yticks([])
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def _cosine(scores: Scores) -> Any:
    found = scores["geometry"]["cosine"]
    languages = [code for code in scores["languages"] if code in found["languages"]]
    if len(languages) < 2:
        return None
    order = [found["languages"].index(code) for code in languages]  # that of every other figure
    cosines = np.array(found["by_layer"], dtype=float)[:, order][:, :, order]  # [layers, row, column], NaN for None
    figure, (left, right) = grid_of(WIDTH, 3.3, 1, 2)
    heatmap(left, cosines[scores["geometry"]["layer"]], languages, languages, LEVELS, (0, 1), None, "cosine")
    others = (np.nansum(cosines, axis=2) - 1) / (len(languages) - 1)
    right.plot(others, color=GREY, linewidth=0.9)
    lowest = int(others[-1].argmin())
    right.plot(others[:, lowest], color=ORANGE, linewidth=1.6, label=f"{languages[lowest]}: least like the others")
    right.plot(others.mean(1), color=INK, linewidth=1.6, label="mean of all languages")
    right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    right.set_xlabel("layer")
    right.set_ylabel("mean cosine with the others")
    right.set_ylim(min(0.0, float(np.nanmin(others))), 1.02)
    right.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _silhouette(scores: Scores) -> Any:
    by_language = scores["geometry"]["silhouette"]
    languages = [code for code in scores["languages"] if code in by_language]
    if not languages:
        return None
    grid = np.array([by_language[code] for code in languages], dtype=float)
    figure, axes = canvas(WIDTH, 1.2 + 0.22 * len(languages))
    heatmap(axes, grid, languages, [str(layer) for layer in range(grid.shape[1])], LEVELS, None, None, "silhouette")
    axes.set_xlabel("layer")
    return figure


def _monitor(scores: Scores) -> Any:
    records = scores["monitor"]
    sources = [code for code in scores["source_languages"] if any(r["source_language"] == code for r in records)]
    targets = [code for code in scores["languages"] if any(r["target_language"] == code for r in records)]
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


def _rows(scores: Scores, intervention: str) -> list[dict[str, Any]]:
    return [r for r in scores["rows"] if r["intervention"] == intervention and r["subset"] == "all"]


def _by_language(scores: Scores, intervention: str) -> dict[str, Any]:
    """Rows for harmful prompts by language; for ablations, those of the language's own direction."""
    return {
        r["target_language"]: r
        for r in _rows(scores, intervention)
        if r["label"] == HARMFUL and r["source_language"] in (None, r["target_language"])
    }


def _cells(scores: Scores, source: str) -> dict[str, Any]:
    """Rows for harmful prompts under ablation of one source's direction, by target language."""
    return {
        r["target_language"]: r
        for r in _rows(scores, ABLATION)
        if r["label"] == HARMFUL and r["source_language"] == source
    }
