"""The stages of a run. Each writes its files one by one, and finished files are not made again.

The model is loaded by the first stage that needs it.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property, partial
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.capability import capability
from polyrefuse_data.benchmark.chosen import chosen_directions
from polyrefuse_data.benchmark.completing import Ablated, Completing, Wanted
from polyrefuse_data.benchmark.experiments.running import Experiments
from polyrefuse_data.benchmark.ledger import Ledger
from polyrefuse_data.benchmark.means import PlaceMeans, harmless_means
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.model_files import open_model
from polyrefuse_data.benchmark.model_proofs import PROBES
from polyrefuse_data.benchmark.plan import Plan
from polyrefuse_data.benchmark.probes import probe_files
from polyrefuse_data.benchmark.refusal_tokens import (
    RefusalTokens,
    find_tokens,
    first_tokens,
    published_tokens,
)
from polyrefuse_data.benchmark.sources import find_source, missing_source
from polyrefuse_data.benchmark.store import CONTROLS, RunFolder
from polyrefuse_data.benchmark.weight_edit import is_proved
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.models.quantization import package_of
from polyrefuse_data.models.template_clock import TEMPLATE_DATE
from polyrefuse_data.rows import HARMFUL, HARMLESS, LABELS
from polyrefuse_data.system.progress import tracked_parts

# Up to this width a layer is done sooner than threads have met, and on a busy machine they wait for each other for
# minutes.
_ONE_THREAD_WIDTH = 256

_VERSIONED = ("polyrefuse-data", "torch", "transformers")


# Before a place, the name of a mean among the tensors of a direction; before a kind, that of its controls.
_MEAN, _CONTROL = "mean_", "control_"


class Stages:
    """The stages of one run. `begun` is the run.json of a run to resume, None for a new one."""

    def __init__(self, folder: RunFolder, plan: Plan, begun: dict[str, Any] | None) -> None:
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
            model = ChatModel.of_files(
                files,
                dtype=config.dtype,
                device=config.device,
                modules=config.modules,
                quantization=config.quantization,
                device_map=config.device_map,
            )
        if model.d_model <= _ONE_THREAD_WIDTH:
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
        self._completing.write(Wanted(language) for language in tracked_parts(self._plan.targets, "baseline"))
        for language in tracked_parts(self._plan.sources, "directions"):
            self._select(language)
        for language in self._plan.missing:
            path = self._folder.selection(language)
            if not self._ledger.is_done(path):
                store.write_json(path, missing_source(language).record)
                self._ledger.add(path)
        directions = self._directions()
        pairs = self._config.pairs(list(directions), self._plan.targets)
        self._completing.write(
            Wanted(target, source, directions[source]) for source, target in tracked_parts(pairs, "ablation")
        )
        measured = [language for language in directions if language in self._plan.targets]
        if self._config.random_control:
            self._completing.write(
                control
                for language in tracked_parts(measured, "controls")
                for control in self._controls(directions[language])
            )
        for language in tracked_parts(self._plan.targets, "activations"):
            self._activations(language)
        for language in tracked_parts(measured, "capability"):
            self._capability(language, directions[language])
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
        return Completing(self._folder, self._plan, self._ledger, lambda: self._model, lambda: self._in_weights)

    def _directions(self) -> dict[str, Ablated]:
        """The chosen directions by source language, read back from the run."""
        selections = {code: store.read_json(self._folder.selection(code)) for code in self._plan.sources}
        found = {code: self._tensors(code) for code, record in selections.items() if "candidates" in record}
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

    def _select(self, language: str) -> None:
        path, tensors_path = self._folder.selection(language), self._folder.directions(language)
        activations = self._activations(language)
        inputs = self._folder.activations(language), self._folder.refusal_tokens
        self._tokens  # noqa: B018
        if self._ledger.is_done(path, *inputs):
            has = "candidates" in store.read_json(path)
            if not has or self._ledger.is_done(tensors_path, path):
                return
        train = {label: activations[f"train_{label}"] for label in LABELS}
        source = find_source(self._model, self._plan.prompts[language], self._tokens[language], self._config, train)
        store.write_json(path, source.record)
        self._ledger.add(path, *inputs)
        if source.candidates is not None:
            tensors = {"candidates": source.candidates}
            if source.direction is not None:
                tensors["direction"] = source.direction
            tensors |= {f"{_CONTROL}{kind}": drawn for kind, drawn in (source.controls or {}).items()}
            if source.means is not None:
                tensors |= {f"{_MEAN}{place}": mean for place, mean in source.means.by_place.items()}
            store.write_tensors(tensors_path, tensors, {"status": source.record["status"]})
            self._ledger.add(tensors_path, path)

    def _activations(self, language: str) -> dict[str, Tensor]:
        """Block inputs of the training and test prompts: `<split>_<label>` -> [prompts, n_pos, n_layers, d_model]."""
        path = self._folder.activations(language)
        if not self._ledger.is_done(path):
            prompts = self._plan.prompts[language]
            keys = [(split, label) for split in ("train", "test") for label in LABELS]
            taken = {
                f"{split}_{label}": block_inputs(self._model, prompts.texts(split, label)) for split, label in keys
            }
            store.write_tensors(path, taken)
            self._ledger.add(path)
        return store.read_tensors(path)

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
        counts = {}
        for language in tracked_parts(self._plan.sources, "refusal tokens"):
            prompts = self._plan.prompts[language]
            harmful, harmless = (prompts.texts("train", label) for label in (HARMFUL, HARMLESS))
            counts[language] = first_tokens(self._model, harmful, harmless, language, self._config.judge)
        return find_tokens(counts)

    def _capability(self, language: str, ablated: Ablated) -> None:
        path = self._folder.capability(language)
        prompts = self._plan.prompts[language].texts("test", HARMLESS)
        source = self._folder.directions(language)
        if not prompts or self._ledger.is_done(path, source):
            return
        store.write_json(path, capability(self._model, prompts, partial(self._completing.ablation, ablated)))
        self._ledger.add(path, source)


def _beginning_with(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _rendering() -> dict[str, str]:
    """What prompts read of the clock."""
    return {"template_date": TEMPLATE_DATE.date().isoformat()}


def _versions(quantization: str | None) -> dict[str, str]:
    """Versions of the libraries that affect how a model computes and how prompts are rendered."""
    quantising = () if quantization is None else (package_of(quantization),)
    return {name: version(name) for name in (*_VERSIONED, *quantising)}
