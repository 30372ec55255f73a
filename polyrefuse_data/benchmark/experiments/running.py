"""The experiments that cost forward passes, each file of theirs made once, as the run's other stages make theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.chosen import Chosen, leading
from polyrefuse_data.benchmark.experiments.addition import cost_of_addition
from polyrefuse_data.benchmark.experiments.jailbreaks import direction_for
from polyrefuse_data.benchmark.experiments.tasks import run_tasks
from polyrefuse_data.benchmark.experiments.top_directions import ranked
from polyrefuse_data.benchmark.experiments.wrappers import PLACE, read_wrappers
from polyrefuse_data.benchmark.interventions import add_direction
from polyrefuse_data.benchmark.ledger import Ledger
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.plan import Plan
from polyrefuse_data.benchmark.reply_sources import Addition, top_folder
from polyrefuse_data.benchmark.scoring import prompt_refusal_scores
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.rows import HARMLESS, LABELS
from polyrefuse_data.system.progress import tracked

Interventions = Sequence[Callable[[], AbstractContextManager[None]]]


class Measuring(Protocol):
    """What the stages of a run give to experiments."""

    folder: RunFolder
    plan: Plan
    ledger: Ledger

    @property
    def model(self) -> ChatModel: ...

    def complete(self, source: str, language: str, interventions: Interventions, *inputs: Path) -> None:
        """Keep replies to the test prompts of a language, generated under interventions made from `inputs`."""
        ...

    def ablation_of(self, language: str, direction: Tensor) -> AbstractContextManager[None]:
        """The ablation of a direction in the mode of the run, with the means of this source language."""
        ...


def run_experiments(stages: Measuring, chosen: Mapping[str, Chosen]) -> None:
    """All that the settings ask for, with the directions that the run chose."""
    config = stages.plan.config
    if config.addition:
        for source, target in _progress("addition", _pairs(stages.plan, chosen)):
            for coefficient in config.addition:
                _add(stages, chosen[source], target, coefficient)
    if config.top:
        for language in _progress("next-best directions", list(chosen)):
            _ablate_next_best(stages, language, config.top)
    if config.jailbreaks and chosen:
        wrappers = read_wrappers(Path(config.jailbreaks))
        for language in _progress("jailbreaks", stages.plan.targets):
            _project_wrapped(stages, language, wrappers, direction_for(language, chosen))
    source = leading(chosen)
    if config.tasks and source:
        _run_tasks(stages, chosen[source])


def _pairs(plan: Plan, chosen: Mapping[str, Chosen]) -> list[tuple[str, str]]:
    """Where directions are added: each in its own language, the leading one in every language."""
    first = leading(chosen)
    return [(source, target) for source in chosen for target in plan.targets if source in (target, first)]


def _add(stages: Measuring, chosen: Chosen, target: str, coefficient: float) -> None:
    folder, directions = Addition(chosen.language, coefficient).folder, stages.folder.directions(chosen.language)
    stages.complete(
        folder,
        target,
        [lambda: add_direction(stages.model, chosen.direction, chosen.layer, coefficient)],
        directions,
    )
    path, prompts = stages.folder.addition(folder, target), stages.plan.prompts[target].texts("test", HARMLESS)
    if prompts and not stages.ledger.is_done(path, directions):
        _keep(stages, path, cost_of_addition(stages.model, prompts, chosen, coefficient), directions)


def _ablate_next_best(stages: Measuring, language: str, most: int) -> None:
    order = ranked(store.read_json(stages.folder.selection(language)))
    directions = stages.folder.directions(language)
    candidates = store.read_tensors(directions)["candidates"]
    for rank, row in enumerate(order[1:most], start=2):
        direction = candidates[row["position"], row["layer"]]
        if language in stages.plan.targets:
            stages.complete(top_folder(rank), language, [partial(stages.ablation_of, language, direction)], directions)


def _project_wrapped(stages: Measuring, language: str, wrappers: Mapping[str, str], direction: Chosen) -> None:
    path, inputs = stages.folder.jailbreaks(language), stages.folder.directions(direction.language)
    texts = {label: stages.plan.prompts[language].texts("test", label) for label in LABELS}
    if not all(texts.values()):
        return
    if stages.ledger.is_done(path, inputs) and store.read_json(path)["texts"] == dict(wrappers):
        return
    tokens = store.read_json(stages.folder.refusal_tokens)[direction.language]["ids"]
    found: dict[str, Any] = {}
    for name, wrapper in wrappers.items():
        asked = {label: [wrapper.replace(PLACE, text) for text in texts[label]] for label in LABELS}
        found[name] = {
            label: {
                "projections": direction.project(block_inputs(stages.model, prompts)).tolist(),
                "refusal_score": sum(prompt_refusal_scores(stages.model, prompts, tokens)) / len(prompts),
            }
            for label, prompts in asked.items()
        }
    record = {"source_language": direction.language, "texts": dict(wrappers), "wrappers": found}
    _keep(stages, path, record, inputs)


def _run_tasks(stages: Measuring, chosen: Chosen) -> None:
    config, path = stages.plan.config, stages.folder.tasks
    inputs = stages.folder.directions(chosen.language)
    asked = {"source_language": chosen.language, "asked": list(config.tasks or ()), "limit": config.tasks_limit}
    if stages.ledger.is_done(path, inputs) and store.read_json(path).items() >= asked.items():
        return
    ablation = partial(stages.ablation_of, chosen.language, chosen.direction)
    found = run_tasks(stages.model, config.tasks or (), ablation, config.tasks_limit)
    _keep(stages, path, {**asked, "tasks": found}, inputs)


def _keep(stages: Measuring, path: Path, record: dict[str, Any], *inputs: Path) -> None:
    store.write_json(path, record)
    stages.ledger.add(path, *inputs)


def _progress(what: str, items: Sequence[Any]) -> Iterator[Any]:
    yield from tracked(items, what, "parts", len(items), stays=False)
