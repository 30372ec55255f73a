"""One run of the benchmark: a model measured on a release, resumable after any interruption.

The stages write the files of RUN one by one; a file that is there is not made again, so a run that was killed goes on
where it stopped and ends with the same scores. Generation is resumed per (source, language).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.batches import is_out_of_memory
from polyrefuse_data.benchmark.capability import capability
from polyrefuse_data.benchmark.evaluation import evaluate
from polyrefuse_data.benchmark.generation import generate
from polyrefuse_data.benchmark.judges import judge_refusal
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.plan import Plan, claim, make_plan
from polyrefuse_data.benchmark.refusal_tokens import (
    RefusalTokens,
    find_tokens,
    first_token_counts,
    published_tokens,
)
from polyrefuse_data.benchmark.settings import Settings
from polyrefuse_data.benchmark.sources import find_source, missing_source, random_direction
from polyrefuse_data.benchmark.store import BASELINE, RANDOM, RunFolder
from polyrefuse_data.benchmark.weight_edit import fastest_ablation, is_proved
from polyrefuse_data.errors import ModelError
from polyrefuse_data.rows import HARMLESS, LABELS
from polyrefuse_data.system.locks import lock_folder
from polyrefuse_data.system.progress import tracked

# Refusal tokens are found in short replies to the first training prompts of each label: the judge reads openings only.
_DISCOVERY_PROMPTS = 64
_DISCOVERY_TOKENS = 32

# Up to this width a layer is done sooner than threads have met, and on a busy machine they wait for each other for
# minutes.
_ONE_THREAD_WIDTH = 256


def run_benchmark(
    model_id: str,
    dataset: str | Path,
    out: str | Path,
    source_languages: str | Iterable[str] | None = None,
    languages: str | Iterable[str] | None = None,
    *,
    revision: str | None = None,
    device: str = "auto",
    **options: Any,
) -> Path:
    """Measure refusal of a chat model on a released dataset; returns the RUN folder, which holds scores and report.

    `dataset` is a release folder or Hub id (ORG/NAME[@REVISION]); `languages` are measured (default: all it holds),
    `source_languages` give directions (default: all that are measured); `options` are the fields of `Settings`.
    Calling it again with the same arguments resumes; another run in the same folder is a ConfigError. A language that
    the dataset lacks or that gives no direction is reported in the results, and the run goes on. Raises ModelError and
    ReleaseError where model or dataset cannot be used at all.
    """
    from polyrefuse_data.benchmark.report import write_report

    settings = Settings.of(options)
    folder = RunFolder(Path(out))
    plan = make_plan(model_id, revision, dataset, source_languages, languages, settings)
    is_new = not folder.path.exists()
    with lock_folder(folder.path), _removed_if_nothing_began(folder.path, is_new):
        _measure(folder, plan, device)
        evaluate(folder)
        write_report([folder.path], folder.report)
    return folder.path


@contextmanager
def _removed_if_nothing_began(path: Path, is_new: bool) -> Iterator[None]:
    """Take a new folder away again where the run ends in an error before it has written anything but its lock."""
    try:
        yield
    except BaseException:
        if is_new and [file.name for file in path.iterdir()] == [".lock"]:
            (path / ".lock").unlink()
            path.rmdir()
        raise


def _measure(folder: RunFolder, plan: Plan, device: str) -> None:
    """Everything that needs the model; its memory is free again when this returns, for judges that are models too."""
    known = claim(folder, plan)
    bench = _Bench(folder, plan, device)
    with _out_of_memory_explained(plan.model_id), _threads_restored():
        if not known:
            store.write_json(folder.run, {**plan.record(), **bench.identity()})
        bench.run()
    del bench
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def _threads_restored() -> Iterator[None]:
    """Give torch its threads back: a small model has set them to one."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _out_of_memory_explained(model_id: str) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise ModelError(
            f"{model_id}: memory ran out even for one prompt at a time; use a quantised checkpoint or a larger device, "
            "and run the same command again: what is done stays done"
        ) from error


class _Bench:
    """The stages of one run. The model is loaded when the first stage that has something to do needs it."""

    def __init__(self, folder: RunFolder, plan: Plan, device: str) -> None:
        self._folder = folder
        self._plan = plan
        self._device = device

    @cached_property
    def _model(self) -> ChatModel:
        settings = self._plan.settings
        model = ChatModel.load(
            self._plan.model_id,
            revision=self._plan.revision,
            dtype=settings.dtype,
            device=self._device,
            system_prompt=settings.system_prompt,
        )
        if model.d_model <= _ONE_THREAD_WIDTH:
            torch.set_num_threads(1)
        return model

    @cached_property
    def _in_weights(self) -> bool:
        """Whether ablations for generation are done in the weights: proved equal to the hooks on this model."""
        return is_proved(self._model)

    def identity(self) -> dict[str, Any]:
        """What run.json says of the model and of what ran it."""
        return {
            "model": {
                **asdict(self._model.identity),
                "n_layers": self._model.n_layers,
                "d_model": self._model.d_model,
                "post_instruction_tokens": self._model.tokenizer.convert_ids_to_tokens(
                    self._model.post_instruction_token_ids
                ),
                "post_norms": any(block.has_post_norms for block in self._model.blocks),
            },
            "generation": {"decoding": "greedy", "ablation": "weights" if self._in_weights else "hooks"},
            "versions": {name: version(name) for name in ("polyrefuse-data", "torch", "transformers")},
        }

    def run(self) -> None:
        """All stages, in order."""
        for language in _progress("baseline", self._plan.targets):
            self._complete(BASELINE, language, nullcontext)
        for language in _progress("directions", self._plan.sources):
            self._select(language)
        for language in self._plan.missing:
            if not self._folder.selection(language).exists():
                store.write_json(self._folder.selection(language), missing_source(language).record)
        directions = self._directions()
        for source, target in _progress("ablation", self._plan.settings.pairs(list(directions), self._plan.targets)):
            self._complete(source, target, partial(self._ablation, directions[source]))
        measured = [language for language in directions if language in self._plan.targets]
        if self._plan.settings.random_control:
            for language in _progress("random control", measured):
                control = self._random(language, directions[language])
                self._complete(RANDOM, language, partial(self._ablation, control))
        for language in _progress("activations", self._plan.targets):
            self._activations(language)
        for language in _progress("capability", measured):
            self._capability(language, directions[language])

    def _complete(self, source: str, language: str, intervention: Callable[[], AbstractContextManager[None]]) -> None:
        """Replies to the test prompts of a language under an intervention."""
        path = self._folder.completions(source, language)
        if path.exists():
            return
        asked = [(label, p) for label in LABELS for p in self._plan.prompts[language].get("test", label)]
        with intervention():
            replies = generate(
                self._model, [p.text for _, p in asked], max_new_tokens=self._plan.settings.max_new_tokens
            )
        rows = [
            {
                "id": prompt.id,
                "language": language,
                "label": label,
                "source": prompt.source,
                "prompt": prompt.text,
                "reply": reply.text,
                "tokens": len(reply.token_ids),
            }
            for (label, prompt), reply in zip(asked, replies, strict=True)
        ]
        store.write_completions(path, pa.Table.from_pylist(rows, schema=store.COMPLETION_SCHEMA))

    def _ablation(self, direction: Tensor) -> AbstractContextManager[None]:
        return fastest_ablation(self._model, direction, self._plan.settings.mode, self._in_weights)

    def _directions(self) -> dict[str, Tensor]:
        """The directions chosen, by source language, read back from the run."""
        paths = {language: self._folder.directions(language) for language in self._plan.sources}
        tensors = {language: store.read_tensors(path) for language, path in paths.items() if path.exists()}
        return {language: found["direction"] for language, found in tensors.items() if "direction" in found}

    def _random(self, language: str, like: Tensor) -> Tensor:
        """The control: as long as the language's own direction, drawn with the run's seed and the language's place."""
        return random_direction(like, self._plan.settings.seed * 1000 + self._plan.sources.index(language))

    def _select(self, language: str) -> None:
        path = self._folder.selection(language)
        if path.exists():
            return
        activations = self._activations(language)
        train = {label: activations[f"train_{label}"] for label in LABELS}
        source = find_source(
            self._model, self._plan.prompts[language], self._tokens[language], self._plan.settings, train
        )
        if source.candidates is not None:
            tensors = {"candidates": source.candidates}
            if source.direction is not None:
                tensors["direction"] = source.direction
            store.write_tensors(self._folder.directions(language), tensors, {"status": source.record["status"]})
        store.write_json(path, source.record)

    def _activations(self, language: str) -> dict[str, Tensor]:
        """Block inputs of the training and test prompts: `<split>_<label>` -> [prompts, n_pos, n_layers, d_model]."""
        path = self._folder.activations(language)
        if not path.exists():
            prompts = self._plan.prompts[language]
            keys = [(split, label) for split in ("train", "test") for label in LABELS]
            taken = {
                f"{split}_{label}": block_inputs(self._model, prompts.texts(split, label)) for split, label in keys
            }
            store.write_tensors(path, taken)
        return store.read_tensors(path)

    @cached_property
    def _tokens(self) -> dict[str, RefusalTokens]:
        """Refusal tokens of every source language, found once and kept."""
        path = self._folder.refusal_tokens
        if not path.exists():
            found = self._find_tokens()
            store.write_json(path, {language: asdict(tokens) for language, tokens in found.items()})
        return {language: RefusalTokens(**record) for language, record in store.read_json(path).items()}

    def _find_tokens(self) -> dict[str, RefusalTokens]:
        if self._plan.settings.refusal_tokens == "published":
            config = self._model.network.config.get_text_config(decoder=True)
            return published_tokens(config.model_type, config.vocab_size, self._plan.sources)
        counts = {}
        for language in _progress("refusal tokens", self._plan.sources):
            prompts = self._plan.prompts[language]
            texts = [text for label in LABELS for text in prompts.texts("train", label)[:_DISCOVERY_PROMPTS]]
            replies = generate(self._model, texts, max_new_tokens=_DISCOVERY_TOKENS) if texts else []
            refused = judge_refusal([reply.text for reply in replies], language)
            firsts = [reply.token_ids[0] if reply.token_ids else None for reply in replies]
            counts[language] = first_token_counts(firsts, refused)
        return find_tokens(counts)

    def _capability(self, language: str, direction: Tensor) -> None:
        path = self._folder.capability(language)
        prompts = self._plan.prompts[language].texts("test", HARMLESS)
        if path.exists() or not prompts:
            return
        store.write_json(path, capability(self._model, prompts, partial(self._ablation, direction)))


def _progress(what: str, items: Sequence[Any]) -> Iterator[Any]:
    yield from tracked(items, what, "parts", len(items), stays=False)
