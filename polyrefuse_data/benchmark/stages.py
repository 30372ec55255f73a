"""The stages of a run. Each writes its files one by one, and finished files are not made again.

The model is loaded by the first stage that needs it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.capability import capability
from polyrefuse_data.benchmark.chosen import chosen_directions
from polyrefuse_data.benchmark.completing import Ablated, Completing, Wanted
from polyrefuse_data.benchmark.config import BenchmarkConfig
from polyrefuse_data.benchmark.experiments.running import Experiments
from polyrefuse_data.benchmark.ledger import Ledger
from polyrefuse_data.benchmark.means import PlaceMeans, harmless_means
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.model_files import ModelFiles, open_model
from polyrefuse_data.benchmark.model_proofs import PROBES
from polyrefuse_data.benchmark.plan import Plan
from polyrefuse_data.benchmark.probes import probe_files
from polyrefuse_data.benchmark.refusal_tokens import (
    RefusalTokens,
    find_tokens,
    first_tokens,
    published_tokens,
)
from polyrefuse_data.benchmark.sources import INEFFECTIVE, Source, find_source, missing_source
from polyrefuse_data.benchmark.store import CONTROLS, RunFolder
from polyrefuse_data.benchmark.team import ONE_THREAD_WIDTH, Task, Team, helpers
from polyrefuse_data.benchmark.weight_edit import fastest_ablation, is_proved
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.models.quantization import package_of
from polyrefuse_data.models.template_clock import TEMPLATE_DATE
from polyrefuse_data.rows import HARMFUL, HARMLESS, LABELS
from polyrefuse_data.system.progress import tracked_parts

_logger = logging.getLogger(__name__)

_Found = TypeVar("_Found")

_VERSIONED = ("polyrefuse-data", "torch", "transformers")

# Before a place, the name of a mean among the tensors of a direction; before a kind, that of its controls.
_MEAN, _CONTROL = "mean_", "control_"


class Stages:
    """The stages of one run. `begun` is the run.json of a run to resume, None for a new one; the `team` shares the
    forward passes."""

    def __init__(self, folder: RunFolder, plan: Plan, begun: dict[str, Any] | None, team: Team) -> None:
        self._team = team
        self._folder = folder
        self._plan = plan
        self._config = plan.config
        self._begun = begun

    @cached_property
    def _ledger(self) -> Ledger:
        return Ledger(self._folder)

    @cached_property
    def _model(self) -> ChatModel:
        """The model that the run began with. Raises ConfigError naming what differs if it is another one."""
        config = self._config
        # Main may have moved since the run began.
        commit = self._begun["model"]["revision"] if self._begun and not config.is_local else None
        with open_model(config.model, commit or config.revision, config.system_prompt) as files:
            probe_files(files, config)
            if self._begun:
                self._check_same(asdict(files.identity), self._begun["model"])
                self._check_same(_versions(config.quantization), self._begun["versions"])
                self._check_same(_rendering(), self._begun["generation"])
            others = helpers(files, config.device, config.device_map, len(self._plan.targets))
            self._team.recruit(_Loading(config, files.identity.revision, files.identity.weights_sha256), others)
            model = _loaded(files, config)
        if model.d_model <= ONE_THREAD_WIDTH:
            torch.set_num_threads(1)
        if self._begun:
            self._check_same(asdict(model.identity) | {"device": model.device.type}, self._begun["model"])
        return model

    def check_model(self) -> None:
        """Raise ConfigError if the model's folder holds another model than at the start of the run."""
        if self._begun and self._config.is_local:
            with open_model(self._config.model, self._config.revision, self._config.system_prompt) as files:
                self._check_same(asdict(files.identity), self._begun["model"])

    def _check_same(self, now: dict[str, str], then: dict[str, str]) -> None:
        for name, value in sorted(now.items(), key=lambda item: item[0] == "revision"):  # its inputs come first
            if then.get(name) != value and name != "model":  # a folder may have another name: its digests tell
                what = name.removesuffix("_sha256")
                raise ConfigError(
                    f"{self._folder.path} holds a run with another {what} ({then.get(name)}, now {value}): use "
                    "that one, or choose another --out"
                )

    @cached_property
    def _in_weights(self) -> bool:
        """Whether generation ablates in the weights: only if that is proved equal to hooks on this model."""
        means = harmless_means(self._model, PROBES) if self._config.mode == "centred" else None
        return is_proved(self._model, self._config.mode, means)

    def identity(self) -> dict[str, Any]:
        """What run.json records about the model and the software."""
        model = self._model
        return {
            "model": {
                **asdict(model.identity),
                "device": model.device.type,
                "placement": model.placement,
                "n_layers": model.n_layers,
                "d_model": model.d_model,
                "post_instruction_tokens": model.tokenizer.convert_ids_to_tokens(model.post_instruction_token_ids),
                "whole_blocks": [index for index, block in enumerate(model.blocks) if block.is_whole],
                "post_norms": any(block.has_post_norms for block in model.blocks),
            },
            "generation": {
                "decoding": "greedy",
                "ablation": "weights" if self._in_weights else "hooks",
                **_rendering(),
            },
            "versions": _versions(self._config.quantization),
        }

    def run(self) -> None:
        """All stages, in order."""
        self._completing.write(map(Wanted, self._plan.targets), "baseline")
        self._take_activations(self._plan.sources)
        self._select()
        for language in self._plan.missing:
            path = self._folder.selection(language)
            if not self._ledger.is_done(path):
                store.write_json(path, missing_source(language).record)
                self._ledger.add(path)
        directions = self._directions()
        pairs = self._config.pairs(list(directions), self._plan.targets)
        self._completing.write((Wanted(target, source, directions[source]) for source, target in pairs), "ablation")
        measured = [language for language in directions if language in self._plan.targets]
        if self._config.random_control:
            controls = (control for language in measured for control in self._controls(directions[language]))
            self._completing.write(controls, "controls")
        self._take_activations(self._plan.targets)
        self._take_capability({language: directions[language] for language in measured})
        if self._config.experiments:
            self._experiments(directions)
        self._ledger.close()

    def _experiments(self, directions: dict[str, Ablated]) -> None:
        chosen = chosen_directions(self._folder, self._plan.record())
        Experiments(
            self._folder, self._plan, self._ledger, lambda: self._model, self._completing, directions, chosen
        ).run()

    @cached_property
    def _completing(self) -> Completing:
        return Completing(
            self._folder, self._plan, self._ledger, self._team, lambda: self._model, lambda: self._in_weights
        )

    def _directions(self) -> dict[str, Ablated]:
        """The chosen directions by source language, read back from the run."""
        selections = {code: store.read_json(self._folder.selection(code)) for code in self._plan.sources}
        found = {code: self._tensors(code) for code, record in selections.items() if "candidates" in record}
        for code, record in selections.items():
            if message := record.get("message"):
                what = "an ineffective" if record["status"] == INEFFECTIVE else "no"
                _logger.warning("%s direction in %s: %s", what, code, message)
        return {
            language: Ablated(language, tensors["direction"], PlaceMeans(means) if means else None)
            for language, tensors in found.items()
            if "direction" in tensors
            for means in [_beginning_with(_MEAN, tensors)]
        }

    def _controls(self, own: Ablated) -> list[Wanted]:
        """Replies to the prompts of a language with its controls ablated; prompts are shared out among the draws."""
        drawn = _beginning_with(_CONTROL, self._tensors(own.language))
        return [Wanted(own.language, source, own, drawn[kind]) for source, kind in CONTROLS.items() if kind in drawn]

    def _tensors(self, language: str) -> dict[str, Tensor]:
        return store.read_tensors(self._folder.directions(language))

    def _each(
        self, languages: Iterable[str], what: str, task: Callable[[str], Task[_Found]]
    ) -> Iterator[tuple[str, _Found]]:
        """What the task of each of these languages finds, in order. `what` is what the progress is called."""
        left = list(languages)
        found = self._team.do(map(task, left), lambda: self._model)
        return zip(tracked_parts(left, what), found, strict=True)

    def _select(self) -> None:
        if not self._plan.sources:
            return
        self._tokens  # noqa: B018
        left = [language for language in self._plan.sources if not self._is_selected(language)]
        for language, source in self._each(left, "directions", self._finding):
            path, tensors_path = self._folder.selection(language), self._folder.directions(language)
            store.write_json(path, source.record)
            self._ledger.add(path, *self._selected_from(language))
            if source.candidates is not None:
                store.write_tensors(tensors_path, _tensors_of(source), {"status": source.record["status"]})
                self._ledger.add(tensors_path, path)

    def _is_selected(self, language: str) -> bool:
        path = self._folder.selection(language)
        if not self._ledger.is_done(path, *self._selected_from(language)):
            return False
        has_tensors = "candidates" in store.read_json(path)
        return not has_tensors or self._ledger.is_done(self._folder.directions(language), path)

    def _selected_from(self, language: str) -> tuple[Path, Path]:
        return self._folder.activations(language), self._folder.refusal_tokens

    def _finding(self, language: str) -> Task[Source]:
        activations = store.read_tensors(self._folder.activations(language))
        train = {label: activations[f"train_{label}"] for label in LABELS}
        return partial(
            find_source,
            prompts=self._plan.prompts[language],
            tokens=self._tokens[language],
            settings=self._config,
            activations=train,
        )

    def _take_activations(self, languages: Iterable[str]) -> None:
        """Block inputs of the training and test prompts: `<split>_<label>` -> [prompts, n_pos, n_layers, d_model]."""
        left = [language for language in languages if not self._ledger.is_done(self._folder.activations(language))]
        for language, taken in self._each(left, "activations", self._taking):
            path = self._folder.activations(language)
            store.write_tensors(path, taken)
            self._ledger.add(path)

    def _taking(self, language: str) -> Task[dict[str, Tensor]]:
        prompts = self._plan.prompts[language]
        texts = {f"{split}_{label}": prompts.texts(split, label) for split in ("train", "test") for label in LABELS}
        return partial(_block_inputs, texts=texts)

    @cached_property
    def _tokens(self) -> dict[str, RefusalTokens]:
        """Refusal tokens of every source language, found once and kept."""
        path = self._folder.refusal_tokens
        if not self._ledger.is_done(path):
            found = self._find_tokens()
            store.write_json(path, {language: asdict(tokens) for language, tokens in found.items()})
            self._ledger.add(path)
        return {language: RefusalTokens(**record) for language, record in store.read_json(path).items()}

    def _find_tokens(self) -> dict[str, RefusalTokens]:
        if self._config.refusal_tokens == "published":
            config = self._model.network.config.get_text_config(decoder=True)
            return published_tokens(config.model_type, config.vocab_size, self._plan.sources)
        return find_tokens(dict(self._each(self._plan.sources, "refusal tokens", self._counting)))

    def _counting(self, language: str) -> Task[tuple[Counter[int], Counter[int]]]:
        prompts = self._plan.prompts[language]
        harmful, harmless = (prompts.texts("train", label) for label in (HARMFUL, HARMLESS))
        return partial(first_tokens, harmful=harmful, harmless=harmless, language=language, judge=self._config.judge)

    def _take_capability(self, directions: Mapping[str, Ablated]) -> None:
        left = [language for language in directions if self._capability_is_wanted(language)]
        for language, cost in self._each(left, "capability", lambda language: self._costing(directions[language])):
            path = self._folder.capability(language)
            store.write_json(path, cost)
            self._ledger.add(path, self._folder.directions(language))

    def _capability_is_wanted(self, language: str) -> bool:
        prompts = self._plan.prompts[language].texts("test", HARMLESS)
        return bool(prompts) and not self._ledger.is_done(
            self._folder.capability(language), self._folder.directions(language)
        )

    def _costing(self, ablated: Ablated) -> Task[dict[str, Any]]:
        prompts = self._plan.prompts[ablated.language].texts("test", HARMLESS)
        return partial(
            _capability,
            prompts=prompts,
            direction=ablated.direction,
            mode=self._config.mode,
            in_weights=self._in_weights,
            means=ablated.means,
        )


@dataclass(frozen=True)
class _Loading:
    """How another process loads the model of a run, of which this one knows what its weights are."""

    config: BenchmarkConfig
    revision: str
    weights_sha256: str

    def __call__(self) -> ChatModel:
        config = self.config
        with open_model(config.model, None if config.is_local else self.revision, config.system_prompt) as files:
            if files.identity.weights_sha256 != self.weights_sha256:
                raise ConfigError(f"{config.model}: its weights have changed since the run began: choose another --out")
            return _loaded(files, config)


def _loaded(files: ModelFiles, config: BenchmarkConfig) -> ChatModel:
    return ChatModel.of_files(
        files,
        dtype=config.dtype,
        device=config.device,
        modules=config.modules,
        quantization=config.quantization,
        device_map=config.device_map,
    )


def _block_inputs(model: ChatModel, texts: Mapping[str, Sequence[str]]) -> dict[str, Tensor]:
    return {name: block_inputs(model, prompts) for name, prompts in texts.items()}


def _capability(model: ChatModel, prompts: Sequence[str], **ablation: Any) -> dict[str, Any]:
    return capability(model, prompts, partial(fastest_ablation, model, **ablation))


def _tensors_of(source: Source) -> dict[str, Tensor]:
    assert source.candidates is not None
    tensors = {"candidates": source.candidates}
    if source.direction is not None:
        tensors["direction"] = source.direction
    tensors |= {f"{_CONTROL}{kind}": drawn for kind, drawn in (source.controls or {}).items()}
    if source.means is not None:
        tensors |= {f"{_MEAN}{place}": mean for place, mean in source.means.by_place.items()}
    return tensors


def _beginning_with(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _rendering() -> dict[str, str]:
    """What prompts read of the clock."""
    return {"template_date": TEMPLATE_DATE.date().isoformat()}


def _versions(quantization: str | None) -> dict[str, str]:
    """Versions of the libraries that affect how a model computes and how prompts are rendered."""
    quantising = () if quantization is None else (package_of(quantization),)
    return {name: version(name) for name in (*_VERSIONED, *quantising)}
