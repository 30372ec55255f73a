"""Prompts cut into shards, and the state of a shard in progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from polyrefuse_data.languages import SOURCE_LANGUAGE, Language, language
from polyrefuse_data.translation.base import Request
from polyrefuse_data.translation.chain import Outcome, Proposals

SHARD_PROMPTS = 500


@dataclass(frozen=True)
class Task:
    """A row to make: a prompt (a record of rows.PROMPT_SCHEMA) in a language."""

    prompt: dict[str, Any]
    language: Language

    @property
    def request(self) -> Request:
        return Request(self.prompt["text"], language(SOURCE_LANGUAGE), self.language)


@dataclass
class Shard:
    """Some prompts in every language. `outcomes` has one entry per task once the first backend was asked."""

    number: int
    prompts: list[dict[str, Any]]
    targets: Sequence[Language]
    outcomes: list[Outcome] = field(default_factory=list)
    proposals: Proposals = field(default_factory=dict)  # of the current step of the chain

    @property
    def tasks(self) -> list[Task]:
        return [Task(prompt, target) for prompt in self.prompts for target in self.targets]

    @property
    def size(self) -> int:
        """The number of rows it will have, English included."""
        return len(self.prompts) * (1 + len(self.targets))


@dataclass(frozen=True)
class FinishedShard:
    """The rows of a shard, checked one by one, their scores, and all attempts; each sorted like its file.

    `unanswered` rows got no answer from some backend, so another run may end otherwise. `missing` of them have no other
    translation.
    """

    number: int
    rows: pa.Table
    scores: pa.Table
    attempts: pa.Table
    unanswered: int
    missing: int


def cut(prompts: pa.Table, targets: Sequence[Language], size: int) -> Iterator[Shard]:
    """Shards of `size` prompts in the order of their ids, so that the rows of successive shards are sorted too."""
    ordered = prompts.sort_by("id")
    for number, start in enumerate(range(0, ordered.num_rows, size)):
        yield Shard(number, ordered.slice(start, size).to_pylist(), targets)
