"""The experiments that cost forward passes, each file of theirs made once, as the run's other stages make theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.chosen import Chosen, leading
from polyrefuse_data.benchmark.completing import Ablated, Completing, Wanted
from polyrefuse_data.benchmark.controls import draw_shuffled
from polyrefuse_data.benchmark.directions import difference_in_means
from polyrefuse_data.benchmark.erasure import Erasure, fit_erasures, stacked, unstacked
from polyrefuse_data.benchmark.experiments.addition import cost_of_addition
from polyrefuse_data.benchmark.experiments.jailbreaks import direction_for
from polyrefuse_data.benchmark.experiments.tasks import run_tasks
from polyrefuse_data.benchmark.experiments.top_directions import ranked
from polyrefuse_data.benchmark.experiments.wrappers import PLACE, read_wrappers
from polyrefuse_data.benchmark.ledger import Ledger
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.plan import Plan
from polyrefuse_data.benchmark.reply_sources import Addition, Erased, top_folder
from polyrefuse_data.benchmark.scoring import prompt_refusal_scores
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.rows import HARMFUL, HARMLESS, LABELS
from polyrefuse_data.system.progress import tracked_parts


@dataclass(frozen=True)
class Experiments:
    """What a run asks for, with its directions. `model` is asked for when there is something to compute."""

    folder: RunFolder
    plan: Plan
    ledger: Ledger
    model: Callable[[], ChatModel]
    completing: Completing
    directions: Mapping[str, Ablated]
    chosen: Mapping[str, Chosen]

    def run(self) -> None:
        config, source = self.plan.config, leading(self.chosen)
        if config.erasure:
            self.completing.write(self._erasures(), "erasure")
        if source is None:
            return
        self.completing.write(self._additions(config.addition or ()), "addition")
        for addition, target in tracked_parts(self._added(config.addition or ()), "cost of addition"):
            self._cost(addition, target)
        if config.top:
            self.completing.write(self._next_best(config.top), "next-best directions")
        if config.jailbreaks:
            wrappers = read_wrappers(Path(config.jailbreaks))
            for language in tracked_parts(self.plan.targets, "jailbreaks"):
                self._project(language, wrappers, direction_for(language, self.chosen))
        if config.tasks:
            self._tasks(config.tasks, self.chosen[source])

    def _added(self, coefficients: Sequence[float]) -> list[tuple[Addition, str]]:
        """What is added where: each direction in its own language, the leading one in every language."""
        first = leading(self.chosen)
        return [
            (Addition(source, coefficient), target)
            for source in self.chosen
            for coefficient in coefficients
            for target in self.plan.targets
            if source in (target, first)
        ]

    def _additions(self, coefficients: Sequence[float]) -> Iterator[Wanted]:
        for addition, target in self._added(coefficients):
            layer = self.chosen[addition.source].layer
            own = self.directions[addition.source]
            yield Wanted(target, addition.folder, own, added=(layer, addition.coefficient))

    def _cost(self, addition: Addition, target: str) -> None:
        path, inputs = self.folder.addition(addition.folder, target), self.folder.directions(addition.source)
        prompts = self.plan.prompts[target].texts("test", HARMLESS)
        if prompts and not self.ledger.is_done(path, inputs):
            chosen = self.chosen[addition.source]
            self._keep(path, cost_of_addition(self.model(), prompts, chosen, addition.coefficient), inputs)

    def _erasures(self) -> Iterator[Wanted]:
        for source, targets in self._erased_where().items():
            if (erasures := self._fitted(source)) is None:
                continue
            for erased, own in ((Erased(source), erasures[:1]), (Erased(source, is_control=True), erasures[1:])):
                for target in targets:
                    yield Wanted(target, erased.folder, erasures=own, made_of=self.folder.erasure(source))

    def _erased_where(self) -> dict[str, list[str]]:
        pairs = self.plan.config.pairs(self.plan.sources, self.plan.targets)
        return {source: [target for own, target in pairs if own == source] for source in self.plan.sources}

    def _fitted(self, source: str) -> list[Erasure] | None:
        """The erasure of a language's training prompts, and those of its controls; None if a class is empty."""
        path, inputs = self.folder.erasure(source), self.folder.activations(source)
        harmful, harmless = (self.plan.prompts[source].texts("train", label) for label in (HARMFUL, HARMLESS))
        if not harmful or not harmless:
            return None
        if not self.ledger.is_done(path, inputs):
            taken = store.read_tensors(inputs)
            at_last = (taken[f"train_{HARMFUL}"][:, -1], taken[f"train_{HARMLESS}"][:, -1])
            config = self.plan.config
            drawn = draw_shuffled(*at_last, f"{config.seed}:{source}:erasure", config.control_draws)
            others = [target for target in self._erased_where()[source] if target != source]
            elsewhere = [text for target in others for text in self.plan.prompts[target].texts("train", HARMLESS)]
            directions = [difference_in_means(*at_last), *drawn]
            store.write_tensors(path, stacked(fit_erasures(self.model(), harmful, harmless, directions, elsewhere)))
            self.ledger.add(path, inputs)
        return unstacked(store.read_tensors(path))

    def _next_best(self, most: int) -> Iterator[Wanted]:
        for language in [code for code in self.chosen if code in self.plan.targets]:
            order = ranked(store.read_json(self.folder.selection(language)))
            candidates = store.read_tensors(self.folder.directions(language))["candidates"]
            for rank, row in enumerate(order[1:most], start=2):
                direction = candidates[row["position"], row["layer"]]
                yield Wanted(language, top_folder(rank), replace(self.directions[language], direction=direction))

    def _project(self, language: str, wrappers: Mapping[str, str], direction: Chosen) -> None:
        path, inputs = self.folder.jailbreaks(language), self.folder.directions(direction.language)
        texts = {label: self.plan.prompts[language].texts("test", label) for label in LABELS}
        if not all(texts.values()):
            return
        if self.ledger.is_done(path, inputs) and store.read_json(path)["texts"] == dict(wrappers):
            return
        tokens = store.read_json(self.folder.refusal_tokens)[direction.language]["ids"]
        found: dict[str, Any] = {}
        for name, wrapper in wrappers.items():
            asked = {label: [wrapper.replace(PLACE, text) for text in texts[label]] for label in LABELS}
            found[name] = {
                label: {
                    "projections": direction.project(block_inputs(self.model(), prompts)).tolist(),
                    "refusal_score": sum(prompt_refusal_scores(self.model(), prompts, tokens)) / len(prompts),
                }
                for label, prompts in asked.items()
            }
        self._keep(path, {"texts": dict(wrappers), "wrappers": found}, inputs)

    def _tasks(self, tasks: Sequence[str], chosen: Chosen) -> None:
        limit, inputs = self.plan.config.tasks_limit, self.folder.directions(chosen.language)
        asked = {"source_language": chosen.language, "asked": list(tasks), "limit": limit}
        path = self.folder.tasks
        if self.ledger.is_done(path, inputs) and store.read_json(path).items() >= asked.items():
            return
        ablation = partial(self.completing.ablation, self.directions[chosen.language])
        self._keep(path, {**asked, "tasks": run_tasks(self.model(), tasks, ablation, limit)}, inputs)

    def _keep(self, path: Path, record: dict[str, Any], *inputs: Path) -> None:
        store.write_json(path, record)
        self.ledger.add(path, *inputs)
