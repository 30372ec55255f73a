"""Replies to the test prompts of languages, written file by file, generated together where that saves forward passes.

A step of a model costs little more for many rows than for few. So files that ablate the same direction, or nothing,
share their batches, and prompts that take several directions in turn are generated at once, each with its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.erasure import Erasure, erase
from polyrefuse_data.benchmark.generation import Reply, cache_tokens, generate
from polyrefuse_data.benchmark.interventions import add_direction
from polyrefuse_data.benchmark.ledger import Ledger
from polyrefuse_data.benchmark.means import PlaceMeans
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.plan import Plan
from polyrefuse_data.benchmark.prompts import Prompt
from polyrefuse_data.benchmark.store import BASELINE, RunFolder
from polyrefuse_data.benchmark.translation_quality import with_p_good
from polyrefuse_data.benchmark.weight_edit import fastest_ablation
from polyrefuse_data.rows import LABELS


@dataclass(frozen=True, eq=False)
class Ablated:
    """The direction of a source language, and what centred ablation keeps of it."""

    language: str
    direction: Tensor  # [d_model]
    means: PlaceMeans | None


@dataclass(frozen=True, eq=False)
class Wanted:
    """A file of replies to the test prompts of `language`, with the direction of `ablated` taken out, if any.

    With `draws` ([draws, d_model]), the prompts take these in turn instead of the direction. With `added`, the
    direction is not taken out but added. With `erasures`, the prompts take these in turn, and nothing is ablated.
    """

    language: str
    source: str = BASELINE
    ablated: Ablated | None = None
    draws: Tensor | None = None
    added: tuple[int, float] | None = None  # at the input of which layer, and how many times
    erasures: Sequence[Erasure] = ()
    made_of: Path | None = None  # the file of the run that they are in

    def shares_batches_with(self, other: Wanted) -> bool:
        alike = (self.draws is None) == (other.draws is None) and self.added == other.added
        return alike and self.ablated is other.ablated and self.erasures is other.erasures

    def each_in_turn(self, prompts: int) -> Tensor | None:
        """The draw of each of so many prompts, [prompts, d_model]."""
        return None if self.draws is None else self.draws[torch.arange(prompts) % len(self.draws)]


class Completing:
    """Writes files of replies into a run. `model` and `in_weights` (whether generation ablates in the weights) are
    asked for when there is something to write."""

    def __init__(
        self,
        folder: RunFolder,
        plan: Plan,
        ledger: Ledger,
        model: Callable[[], ChatModel],
        in_weights: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._plan = plan
        self._config = plan.config
        self._ledger = ledger
        self._model = model
        self._in_weights = in_weights

    def write(self, wanted: Iterable[Wanted]) -> None:
        """Generate what is not there yet."""
        for group in self._groups(each for each in wanted if not self._is_done(each)):
            self._generate(group)

    def _groups(self, wanted: Iterable[Wanted]) -> Iterator[list[Wanted]]:
        """Neighbours that share batches, until they fill one."""
        group: list[Wanted] = []
        tokens = 0
        for each in wanted:
            if group and (tokens >= cache_tokens(self._model().device) or not each.shares_batches_with(group[0])):
                yield group
                group, tokens = [], 0
            group.append(each)
            tokens += self._tokens(each)
        if group:
            yield group

    def _tokens(self, wanted: Wanted) -> int:
        """The most tokens that its prompts and replies can have."""
        reasoning = self._config.reasoning == "open"
        longest = self._config.max_new_tokens + (self._config.reasoning_tokens if reasoning else 0)
        texts = [prompt.text for _, prompt in self._asked(wanted)]
        return sum(len(ids) + longest for ids in self._model().encode(texts, reasoning))

    def _asked(self, wanted: Wanted) -> list[tuple[str, Prompt]]:
        """The test prompts of a file, with their labels."""
        return [(label, p) for label in LABELS for p in self._plan.prompts[wanted.language].get("test", label)]

    def _generate(self, group: Sequence[Wanted]) -> None:
        asked = [self._asked(wanted) for wanted in group]
        if group[0].erasures:
            texts = [[prompt.text for _, prompt in prompts] for prompts in asked]
            self._write_all(group, asked, self._erased(texts, group[0].erasures))
            return
        own = [wanted.each_in_turn(len(prompts)) for wanted, prompts in zip(group, asked, strict=True)]
        directions = [taken for taken in own if taken is not None]
        with self._shared_intervention(group[0]):
            replies = self._replies(
                [prompt.text for prompts in asked for _, prompt in prompts],
                directions=torch.cat(directions) if directions else None,
                mode=self._config.mode,
                means=group[0].ablated.means if directions and group[0].ablated else None,
            )
        self._write_all(group, asked, replies)

    def _erased(self, texts: Sequence[Sequence[str]], erasures: Sequence[Erasure]) -> list[Reply]:
        """Replies to the prompts of several files, which take the erasures in turn within their file."""
        turns = [place % len(erasures) for prompts in texts for place in range(len(prompts))]
        every = [text for prompts in texts for text in prompts]
        replies: dict[int, Reply] = {}
        for turn, erasure in enumerate(erasures):
            rows = [row for row, own in enumerate(turns) if own == turn]
            with erase(self._model(), erasure):
                replies |= zip(rows, self._replies([every[row] for row in rows]), strict=True)
        return [replies[row] for row in range(len(every))]

    def _replies(self, texts: Sequence[str], **ablation: Any) -> list[Reply]:
        return generate(
            self._model(),
            texts,
            max_new_tokens=self._config.max_new_tokens,
            reasoning=self._config.reasoning == "open",
            reasoning_tokens=self._config.reasoning_tokens,
            **ablation,
        )

    def _write_all(
        self, group: Sequence[Wanted], asked: Sequence[Sequence[tuple[str, Prompt]]], replies: Sequence[Reply]
    ) -> None:
        left = iter(replies)
        for wanted, prompts in zip(group, asked, strict=True):
            self._write(wanted, [(label, prompt, next(left)) for label, prompt in prompts])

    def _shared_intervention(self, wanted: Wanted) -> AbstractContextManager[None]:
        """What is done to all rows alike, if anything is."""
        if wanted.ablated is None or wanted.draws is not None:
            return nullcontext()
        if wanted.added is not None:
            return add_direction(self._model(), wanted.ablated.direction, *wanted.added)
        return self.ablation(wanted.ablated)

    def ablation(self, ablated: Ablated) -> AbstractContextManager[None]:
        return fastest_ablation(self._model(), ablated.direction, self._config.mode, self._in_weights(), ablated.means)

    def _write(self, wanted: Wanted, answered: Sequence[tuple[str, Prompt, Reply]]) -> None:
        rows = [
            {
                "language": wanted.language,
                "label": label,
                **prompt.told(),
                "reply": reply.text,
                "tokens": len(reply.token_ids),
                "ended": self._ending(reply),
            }
            for label, prompt, reply in answered
        ]
        if wanted.source == BASELINE:
            rows = with_p_good(rows)
        path = self._path(wanted)
        store.write_completions(path, pa.Table.from_pylist(rows, schema=store.COMPLETION_SCHEMA))
        self._ledger.add(path, *self._inputs(wanted))

    def _is_done(self, wanted: Wanted) -> bool:
        return self._ledger.is_done(self._path(wanted), *self._inputs(wanted))

    def _path(self, wanted: Wanted) -> Path:
        return self._folder.completions(wanted.source, wanted.language)

    def _inputs(self, wanted: Wanted) -> list[Path]:
        if wanted.made_of is not None:
            return [wanted.made_of]
        return [] if wanted.ablated is None else [self._folder.directions(wanted.ablated.language)]

    def _ending(self, reply: Reply) -> str:
        if not reply.token_ids:
            return store.EMPTY
        return store.STOP if reply.token_ids[-1] in self._model().end_token_ids else store.LENGTH
