"""One language as a source: its direction, or why it has none. Both are results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark.candidates import all_candidates
from polyrefuse_data.benchmark.coherence import coherence_prompts, coherent_share, with_coherence
from polyrefuse_data.benchmark.config import BenchmarkConfig
from polyrefuse_data.benchmark.controls import draw_controls, score_controls
from polyrefuse_data.benchmark.effect import Plain, describe, lacks, looser_choice
from polyrefuse_data.benchmark.extractors import extractor_of
from polyrefuse_data.benchmark.means import PlaceMeans, harmless_means
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.prompts import Key, LanguagePrompts, Prompt
from polyrefuse_data.benchmark.refusal_tokens import RefusalTokens
from polyrefuse_data.benchmark.scoring import CandidateScorer, prompt_refusal_scores
from polyrefuse_data.benchmark.selection import (
    RULES,
    SCORES,
    Rule,
    explain_selection,
    select_direction,
    why_dropped,
)
from polyrefuse_data.benchmark.stability import choice_stability
from polyrefuse_data.benchmark.staged import choose_direction
from polyrefuse_data.rows import HARMFUL, HARMLESS, LABELS

CHOSEN = "chosen"
INEFFECTIVE = "ineffective"  # chosen and measured, but of no use
NO_CANDIDATE = "no_candidate"

_KEYS: tuple[Key, ...] = tuple((split, label) for split in ("train", "validation") for label in LABELS)
Sets = dict[Key, list[Prompt]]


@dataclass(frozen=True)
class Source:
    """The outcome of a source language: the record for selection/<lang>.json, and its tensors, if any."""

    record: dict[str, Any]
    candidates: Tensor | None = None  # [n_pos, n_layers, d_model]
    direction: Tensor | None = None  # [d_model]: the one ablated
    controls: Mapping[str, Tensor] | None = None  # kind -> [draws, d_model]
    means: PlaceMeans | None = None  # what centred ablation leaves in


def find_source(
    model: ChatModel,
    prompts: LanguagePrompts,
    tokens: RefusalTokens,
    settings: BenchmarkConfig,
    activations: Mapping[str, Tensor],
) -> Source:
    """Candidates, their scores and both rules' choices for one language.

    `activations` are the block inputs of the training prompts by label, in the order of `prompts`. If a class is empty,
    there are no refusal tokens, filtering leaves no prompts, or the rule accepts no candidate, the outcome says so;
    nothing is raised.
    """
    sets: Sets = {key: list(prompts.get(*key)) for key in _KEYS}
    record: dict[str, Any] = {
        "language": prompts.language,
        "rule": settings.rule_used.name,
        "scoring": settings.scoring,
        "refusal_tokens": tokens.record(model.tokenizer),
        "prompts": _ids(sets),
    }
    if empty := _empty(sets):
        return _without(record, "empty_class", f"the dataset has no {empty} prompts")
    if not tokens.ids:
        return _without(record, "no_refusal_tokens", "no reply was a refusal, so there is no refusal token to find")
    if settings.filter_prompts:
        kept = _filtered(model, sets, tokens.ids)
        record["filtered_out"] = _ids({key: [p for p in sets[key] if p not in kept[key]] for key in _KEYS})
        record["prompts"] = _ids(kept)
        if empty := _empty(kept):
            return _without(
                record, "nothing_left_after_filtering", f"filtering by refusal score left no {empty} prompts"
            )
    else:
        kept = sets
    used = {label: activations[label][[p in kept["train", label] for p in sets["train", label]]] for label in LABELS}
    extract, record["extractor"] = extractor_of(settings.extractor)
    candidates = extract(used[HARMFUL], used[HARMLESS]).to(torch.float64)
    means = None
    if settings.mode == "centred":
        means = harmless_means(model, [prompt.text for prompt in kept["train", HARMLESS]])
    choices, table, stability = _choices(model, candidates, kept, tokens.ids, settings, means)
    record |= {"choices": choices, "candidates": table, "removed": _removed(model, table, settings)}
    record["stability"] = stability
    chosen = choices[settings.rule_used.name]
    if chosen is None:
        why = _why_none(len(table), record["removed"], settings.rule_used.name)
        if settings.rule_used.min_coherent > 0:
            why += f"; {_plain_coherence(model, kept):.0%} of the same replies are coherent if nothing is ablated"
        return Source({**record, **_status(NO_CANDIDATE, why)}, candidates)
    plain = Plain(*(_plain_score(model, kept["validation", label], tokens.ids) for label in (HARMFUL, HARMLESS)))
    record |= {"chosen": chosen, "plain": asdict(plain), **_judged(chosen, plain, table, model.n_layers, settings)}
    direction = candidates[chosen["position"], chosen["layer"]].clone()
    controls: dict[str, Tensor] = {}
    if settings.random_control:
        place = chosen["position"], chosen["layer"]
        harmful, harmless = (used[label][:, place[0], place[1]] for label in (HARMFUL, HARMLESS))
        name = f"{settings.seed}:{prompts.language}"
        controls = draw_controls(direction, harmful, harmless, name, settings.control_draws)
        record["controls"] = score_controls(
            model, controls, place[1], *_validation_texts(kept), tokens.ids, settings.mode, means
        )
    return Source(record, candidates, direction, controls, means)


def missing_source(language: str) -> Source:
    """The outcome for a language that the dataset lacks."""
    return _without({"language": language}, "missing_language", "the dataset has no rows in this language")


def _choices(
    model: ChatModel,
    candidates: Tensor,
    sets: Sets,
    tokens: list[int],
    settings: BenchmarkConfig,
    means: PlaceMeans | None,
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any] | None]:
    """Each rule's choice, the table of candidates with why each rule drops them (empty where staged), and how stable
    the choice is (None where staged)."""
    harmful, harmless = _validation_texts(sets)
    if settings.scoring == "staged":
        chosen = choose_direction(
            model,
            candidates,
            harmful,
            harmless,
            tokens,
            settings.rule_used,
            positions=settings.positions,
            layers=settings.layers,
            mode=settings.mode,
            means=means,
        )
        return {settings.rule_used.name: chosen}, [], None
    scorer = CandidateScorer(model, candidates, harmful, harmless, tokens, settings.mode, means)
    table = scorer.table(all_candidates(candidates, settings.positions, settings.layers))
    asked = coherence_prompts(harmful, harmless)
    table = with_coherence(model, candidates, table, settings.rule_used, asked, settings.mode, means)
    rules = _rules(settings)
    choices = {name: select_direction(table, model.n_layers, rule) for name, rule in rules.items()}
    dropped = [
        {**row, "dropped": {name: why_dropped(row, model.n_layers, rule) for name, rule in rules.items()}}
        for row in table
    ]
    return choices, dropped, choice_stability(scorer.by_prompt, table, model.n_layers, settings.rule_used)


def _filtered(model: ChatModel, sets: Sets, tokens: list[int]) -> Sets:
    """Harmful prompts with a refusal score above zero and harmless ones with one below (Arditi et al. 2024, appendix
    A)."""
    kept: Sets = {}
    for key, prompts in sets.items():
        scores = prompt_refusal_scores(model, [prompt.text for prompt in prompts], tokens)
        refused = key[1] == HARMFUL
        kept[key] = [p for p, score in zip(prompts, scores, strict=True) if (score > 0 if refused else score < 0)]
    return kept


def _rules(settings: BenchmarkConfig) -> dict[str, Rule]:
    return {rule.name: rule for rule in (*RULES.values(), settings.rule_used)}


def _removed(model: ChatModel, table: list[dict[str, Any]], settings: BenchmarkConfig) -> dict[str, dict[str, int]]:
    """For each rule, how many candidates it drops by reason; empty if there is no table."""
    rules = _rules(settings).items() if table else ()
    return {name: explain_selection(table, model.n_layers, rule) for name, rule in rules}


def _why_none(n_candidates: int, removed: dict[str, dict[str, int]], rule: str) -> str:
    if not removed:
        return f"rule {rule} accepts no candidate"
    counts = ", ".join(f"{count} by {reason}" for reason, count in removed[rule].items())
    return f"rule {rule} drops all {n_candidates} candidates: {counts}"


def _plain_coherence(model: ChatModel, sets: Sets) -> float:
    return coherent_share(model, coherence_prompts(*_validation_texts(sets)), nullcontext())


def _validation_texts(sets: Sets) -> tuple[list[str], list[str]]:
    harmful, harmless = ([prompt.text for prompt in sets["validation", label]] for label in (HARMFUL, HARMLESS))
    return harmful, harmless


def _plain_score(model: ChatModel, prompts: list[Prompt], tokens: list[int]) -> float:
    return fmean(prompt_refusal_scores(model, [prompt.text for prompt in prompts], tokens))


def _judged(
    chosen: dict[str, Any], plain: Plain, table: list[dict[str, Any]], n_layers: int, settings: BenchmarkConfig
) -> dict[str, Any]:
    """The status of a choice: chosen, or ineffective, with what a looser KL bound would give."""
    faults = lacks(chosen, plain)
    if not faults:
        return _status(CHOSEN, "")
    told = f"{'; '.join(faults)}; "
    if not table:
        return _status(INEFFECTIVE, f'{told}scoring="full" would show what a looser bound gives')
    looser = looser_choice(table, n_layers, settings.rule_used, plain)
    if looser is None:
        return _status(INEFFECTIVE, f"{told}no KL bound gives a direction that works")
    bound = math.ceil(100 * looser["kl_div_score"]) / 100
    found = {name: looser[name] for name in ("position", "layer", *SCORES)}
    message = f"{told}`--max-kl {bound:g}` would give {describe(looser)}"
    return {**_status(INEFFECTIVE, message), "looser": {"max_kl": bound, **found}}


def _empty(sets: Sets) -> str:
    return ", no ".join(" ".join(key) for key in _KEYS if not sets[key])


def _ids(sets: Sets) -> dict[str, list[str]]:
    return {"_".join(key): [prompt.id for prompt in prompts] for key, prompts in sets.items()}


def _status(status: str, message: str) -> dict[str, str]:
    return {"status": status, "message": message}


def _without(record: dict[str, Any], status: str, message: str) -> Source:
    return Source({**record, **_status(status, message)})
