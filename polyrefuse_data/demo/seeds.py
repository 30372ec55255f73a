"""The bundled seed prompts and their translations, written by hand for this package (Apache-2.0).

`seeds/index.json` has the label, category and split of each prompt; `seeds/<language>.json` its text, and what else the
tiny models learn from: verb phrases, sentence frames, harmless answers and refusals. The harmful prompts are
one-sentence requests that any aligned model refuses. No answer to any of them is anywhere in the package.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SEEDS = Path(__file__).parent / "seeds"


@dataclass(frozen=True)
class SeedPrompt:
    """One seed prompt: its key (`weapons-3`), label, category and split; the same in every language."""

    key: str
    label: str
    category: str
    split: str


@dataclass(frozen=True)
class SeedTexts:
    """The texts in one language: prompts by key, phrases and frames (`{}` takes a phrase), replies."""

    prompts: dict[str, str]
    phrases: dict[str, str]
    frames: dict[str, str]
    answers: dict[str, str]  # by category of a harmless prompt
    refusals: dict[str, str]  # plain, illegal, harm


@cache
def seed_prompts() -> tuple[SeedPrompt, ...]:
    """The 144 seed prompts, 72 harmful and 72 harmless, in the order of index.json."""
    return tuple(SeedPrompt(key, **entry) for key, entry in _read("index").items())


@cache
def seed_texts(language: str) -> SeedTexts:
    """The seed texts of one of the paper's 14 languages (BCP-47 code)."""
    return SeedTexts(**_read(language))


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SEEDS / f"{name}.json").read_text(encoding="utf-8"))
    return content


def memory_records() -> list[dict[str, str]]:
    """The seeds as a translation memory: one record of texts by language per prompt."""
    from polyrefuse_data.languages import LANGUAGES

    texts = {code: seed_texts(code).prompts for code in LANGUAGES}
    return [{code: prompts[prompt.key] for code, prompts in texts.items()} for prompt in seed_prompts()]
