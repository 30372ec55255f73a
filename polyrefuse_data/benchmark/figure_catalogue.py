"""Which figures the report of a run has, in their order: title, caption, and what each was measured on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from polyrefuse_data.benchmark import measured_on
from polyrefuse_data.benchmark.candidate_figure import candidate_figure
from polyrefuse_data.benchmark.contrasts import DIFFERS
from polyrefuse_data.benchmark.experiments.figures import (
    addition_figure,
    cluster_figure,
    jailbreak_figure,
    map_figure,
)
from polyrefuse_data.benchmark.geometry_figures import cosine_figure, pca_figure, silhouette_figure
from polyrefuse_data.benchmark.item_response_figure import item_response_figure
from polyrefuse_data.benchmark.measured_on import NO_JUDGE
from polyrefuse_data.benchmark.monitor_figure import monitor_figure
from polyrefuse_data.benchmark.outcome_figure import letters, outcome_figure
from polyrefuse_data.benchmark.selectivity_figure import selectivity_figure
from polyrefuse_data.benchmark.store import ABLATION, BASELINE, RANDOM
from polyrefuse_data.benchmark.transfer_figure import MARKS_EXPLAINED, transfer_figure
from polyrefuse_data.languages import language
from polyrefuse_data.rows import HARMFUL

Scores = Mapping[str, Any]  # the contents of scores.json

# The languages whose directions the paper carries to all others; others that were run follow.
_PAPER_SOURCES = ("en", "zh", "de", "th")


@dataclass(frozen=True)
class Figure:
    """A figure that the report has where there is something to draw: `draw` returns None where there is not."""

    name: str
    title: str
    caption: str
    draw: Callable[[], Any]
    measured_on: str
    judge: str = NO_JUDGE
    of_candidates: bool = False  # among all candidate directions of a source language


def catalogue(scores: Scores, selections: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """All figures of a run; `selections` are the records of its source languages."""
    tested = measured_on.test_prompts(_rows(scores, BASELINE))
    trained = measured_on.training_prompts(scores)
    judge = measured_on.judged_by(scores)
    return [
        *_of_replies(scores, tested, judge),
        *_of_activations(scores, tested, trained),
        *_of_experiments(scores, tested, trained, judge),
        Figure(
            "monitor",
            "The direction as a monitor of harmful prompts",
            "Projection on the row's direction, in the column's language. Left: AUROC. Right: false positives when the "
            "row's own 1% threshold is carried over unchanged.",
            lambda: monitor_figure(scores["source_languages"], scores["languages"], scores["monitor"]),
            tested,
        ),
        *map(_of_candidates, selections),
    ]


def _of_replies(scores: Scores, tested: str, judge: str) -> list[Figure]:
    carried = [source for source in scores["source_languages"] if len(_cells(scores, source)) > 1]
    return [
        Figure(
            "outcomes",
            "What became of the harmful prompts",
            "Every reply has one outcome. "
            f"{letters([name for name, _ in _own_series(scores)])}The interval is that of refusal (95%, Wilson).",
            lambda: outcome_figure(scores["languages"], _own_series(scores)),
            tested,
            judge,
        ),
        Figure(
            "selectivity",
            "Does the model refuse what it should?",
            "Refusal of harmful (filled) and of harmless prompts (open), with 95% Wilson "
            "intervals. The distance is the selectivity. A star: refusal of harmful prompts differs from English on "
            "the same prompts (McNemar, Holm over the languages).",
            lambda: selectivity_figure(scores["languages"], _rows(scores, BASELINE), _unlike_english(scores)),
            tested,
            judge,
        ),
        *(_of_source(scores, source, tested, judge) for source in _first_sources(carried)),
        Figure(
            "transfer",
            "Transfer of refusal directions between languages",
            "Coherent compliance with harmful prompts when the row's direction is ablated in the column's language, "
            f"minus that with the strictest control ablated there: points, on the same prompts. {MARKS_EXPLAINED} "
            "(exact McNemar, Holm over the cells). Blank: not run, or no direction was found.",
            lambda: transfer_figure(scores["source_languages"], scores["languages"], scores["transfer"]),
            tested,
            judge,
        ),
        Figure(
            "item_response",
            "Model or translation?",
            "A Rasch model of what gets through (harmful prompts answered coherently, or harmless ones refused where "
            "none are): shares of the variance of the log-odds, and each language's level, with 95% intervals.",
            lambda: item_response_figure(scores.get("item_response") or []),
            tested,
            judge,
        ),
    ]


def _of_source(scores: Scores, source: str, tested: str, judge: str) -> Figure:
    series = _source_series(scores, source)
    return Figure(
        f"outcomes_from_{source}",
        f"The {language(source).name} direction in every language",
        f"What became of the harmful prompts. {letters([name for name, _ in series])}The interval is that of refusal.",
        lambda: outcome_figure(scores["languages"], series),
        tested,
        judge,
    )


def _of_activations(scores: Scores, tested: str, trained: str) -> list[Figure]:
    layer = f" at layer {scores['geometry']['layer']}" if scores["geometry"] else ""
    return [
        Figure(
            "pca",
            "Harmful and harmless prompts in the residual stream",
            "First two principal components of all languages' test prompts together, at the last post-instruction "
            f"token{layer}; the arrow is the language's difference in means.",
            lambda: pca_figure(scores["languages"], scores["geometry"]),
            tested,
        ),
        Figure(
            "cosine",
            "Similarity of directions across languages",
            f"Left: cosine between differences in means{layer}. Right: mean cosine of each language with all others, "
            "layer by layer.",
            lambda: cosine_figure(scores["languages"], scores["geometry"]),
            trained,
        ),
        Figure(
            "silhouette",
            "Separation of harmful from harmless, layer by layer",
            "Mean silhouette of the two classes at the last post-instruction token. 1 is well apart, 0 is mixed; grey: "
            "no difference there.",
            lambda: silhouette_figure(scores["languages"], scores["geometry"]),
            tested,
        ),
    ]


def _of_experiments(scores: Scores, tested: str, trained: str, judge: str) -> list[Figure]:
    """The further experiments, of which runs of before have none."""
    found = scores.get("experiments") or {}
    maps = found.get("cosine_map") or []
    return [
        *(
            Figure(
                f"cosine_map_{source}",
                f"The {language(source).name} direction against other languages' differences",
                "Cosine of the chosen direction with each language's difference in means at every layer and "
                "post-instruction position (the paper's Figure 4). The square is where the direction was taken; "
                "grey: no difference there.",
                partial(map_figure, maps, source),
                trained,
            )
            for source in _first_sources([code for code in scores["source_languages"] if _has_map(maps, code)])[:1]
        ),
        Figure(
            "clusters",
            "Separation and what gets through",
            "Coherent compliance with harmful prompts (95% Wilson interval) against the silhouette of harmful and "
            f"harmless prompts. Open: too few prompts to conclude anything. {_correlation(found.get('clusters'))}",
            lambda: cluster_figure(found.get("clusters")),
            tested,
            judge,
        ),
        Figure(
            "addition",
            "Each language's direction, added",
            "Change against the same prompts without it, by coefficient. More refusal of harmless prompts is "
            "over-refusal, and broken replies refuse nothing.",
            lambda: addition_figure(found.get("addition") or []),
            tested,
            judge,
        ),
        Figure(
            "jailbreaks",
            "Wrapped prompts along the direction",
            "AUROC of the projection: wrapped harmful against wrapped harmless test prompts.",
            lambda: jailbreak_figure(found.get("jailbreaks") or []),
            tested,
        ),
    ]


def _of_candidates(selection: Mapping[str, Any]) -> Figure:
    return Figure(
        f"candidates_{selection['language']}",
        f"Candidate directions from {language(selection['language']).name}",
        "Refusal score of harmful prompts with each candidate ablated, of harmless ones with it added, and KL to the "
        f"plain model on harmless ones. The square is the choice of rule {selection['rule']}; crosses are what it "
        "drops.",
        lambda: candidate_figure(selection),
        measured_on.validation_prompts(selection),
        of_candidates=True,
    )


def _has_map(maps: Sequence[Mapping[str, Any]], source: str) -> bool:
    return any(record["source_language"] == source for record in maps)


def _correlation(clusters: Mapping[str, Any] | None) -> str:
    found = (clusters or {}).get("correlation")
    if not found:
        return "Too few languages, or no difference between them, for a correlation."
    return f"Spearman {found['spearman']:+.2f} over {found['n']} languages (permutation p = {found['p']:.3f})."


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


def _unlike_english(scores: Scores) -> set[str]:
    return {
        record["language"]
        for record in scores["languages_compared"]
        if record["label"] == HARMFUL and record["verdict"] == DIFFERS
    }


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
