"""The prompts of a run: which rows of a release train, validate and test each language."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polyrefuse_data.benchmark.config import BenchmarkConfig
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.rows import LABELS, SPLITS

# Of a row: the fields of Prompt.
_KEPT = ("id", "text", "source", "text_en", "category", "origin", "back_translation", "back_translator")

Key = tuple[str, str]  # (split, label)


@dataclass(frozen=True)
class Prompt:
    """One prompt in one language."""

    id: str
    text: str
    source: str
    text_en: str = ""
    category: str = ""
    origin: str = ""
    back_translation: str | None = None
    back_translator: str | None = None

    def told(self) -> dict[str, str | None]:
        """What is known of the prompt beside a reply to it."""
        back = {"back_translation": self.back_translation, "back_translator": self.back_translator}
        known = {"category": self.category, "origin": self.origin, **back}
        return {"id": self.id, "source": self.source, "prompt": self.text, "prompt_en": self.text_en, **known}


@dataclass(frozen=True)
class LanguagePrompts:
    """The prompts of one language, by split and label, in the order they are used."""

    language: str
    by_key: Mapping[Key, tuple[Prompt, ...]]

    def get(self, split: str, label: str) -> tuple[Prompt, ...]:
        return self.by_key.get((split, label), ())

    def texts(self, split: str, label: str) -> list[str]:
        return [prompt.text for prompt in self.get(split, label)]

    def ids(self, split: str, label: str) -> list[str]:
        return [prompt.id for prompt in self.get(split, label)]


def choose_prompts(
    rows: Iterable[Mapping[str, Any]], languages: Sequence[str], settings: BenchmarkConfig
) -> dict[str, LanguagePrompts]:
    """Sample the prompts of each language from release rows (with label names): n_train, n_validation and `limit` per
    label. Endpoints get only test prompts.

    With `parallel`, a prompt counts only if every language that has the split and label has it, so that languages are
    compared on the same prompts. Sampling is by id with the run's seed, so every language gets the same ids. Raises
    ConfigError if no prompt is parallel, or a prompt is in two splits.
    """
    found: dict[Key, dict[str, dict[str, Prompt]]] = {(split, label): {} for split in SPLITS for label in LABELS}
    split_of: dict[str, str] = {}
    wanted = set(languages)
    for row in rows:
        if split_of.setdefault(row["id"], row["split"]) != row["split"]:
            raise ConfigError(
                f"prompt {row['id']} is in {split_of[row['id']]} and in {row['split']}: splits must not overlap"
            )
        if row["language"] in wanted:
            prompts = found[row["split"], row["label"]].setdefault(row["language"], {})
            prompts[row["id"]] = Prompt(*(row[name] for name in _KEPT))
    sizes = {"train": settings.n_train, "validation": settings.n_validation, "test": settings.limit}
    chosen: dict[str, dict[Key, tuple[Prompt, ...]]] = {language: {} for language in languages}
    used = {key: by_language for key, by_language in found.items() if key[0] == "test" or not settings.endpoint}
    for key, by_language in used.items():
        shared = set.intersection(*(set(prompts) for prompts in by_language.values())) if by_language else set()
        if settings.parallel and by_language and not shared:
            raise ConfigError(
                f"no {key[0]} {key[1]} prompt exists in all of {', '.join(sorted(by_language))}: "
                "leave out languages, or use different prompts for each with parallel=False"
            )
        for language, prompts in by_language.items():
            ids = _sample(shared if settings.parallel else set(prompts), sizes[key[0]], settings.seed)
            chosen[language][key] = tuple(prompts[prompt] for prompt in ids)
    return {language: LanguagePrompts(language, chosen[language]) for language in languages}


def _sample(ids: set[str], size: int | None, seed: int) -> list[str]:
    ordered = sorted(ids)
    if size is None or size >= len(ordered):
        return ordered
    return sorted(random.Random(seed).sample(ordered, size))


def release_rows(dataset: Any) -> Iterable[dict[str, Any]]:
    """The rows of a `datasets.DatasetDict`, with label names instead of class indices."""
    for split in SPLITS:
        if split in dataset:
            names = dataset[split].features["label"].names
            columns = dataset[split].select_columns(["language", "label", *_KEPT])
            for row in columns:
                yield {**row, "split": split, "label": names[row["label"]]}
