"""Replies to the test prompts of languages, written file by file, generated together where that saves forward passes.

A step of a model costs little more for many rows than for few. So files that ablate the same direction, or nothing,
share their batches, and prompts that take several directions in turn are generated at once, each with its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import tee
from pathlib import Path

import pyarrow as pa
import torch
from torch import Tensor

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.erasure import Erasure
from polyrefuse_data.benchmark.generation import Reply, cache_tokens
from polyrefuse_data.benchmark.joint_replies import JointReplies
from polyrefuse_data.benchmark.ledger import Ledger
from polyrefuse_data.benchmark.means import PlaceMeans
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.plan import Plan
from polyrefuse_data.benchmark.prompts import Prompt
from polyrefuse_data.benchmark.store import BASELINE, RunFolder
from polyrefuse_data.benchmark.team import Team
from polyrefuse_data.benchmark.translation_quality import with_p_good
from polyrefuse_data.benchmark.weight_edit import fastest_ablation
from polyrefuse_data.rows import LABELS
from polyrefuse_data.system.progress import progress


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
    asked for when there is something to write; the `team` generates."""

    def __init__(
        self,
        folder: RunFolder,
        plan: Plan,
        ledger: Ledger,
        team: Team,
        model: Callable[[], ChatModel],
        in_weights: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._plan = plan
        self._config = plan.config
        self._ledger = ledger
        self._team = team
        self._model = model
        self._in_weights = in_weights

    def write(self, wanted: Iterable[Wanted], what: str) -> None:
        """Generate what is not there yet. `what` is what the progress is called."""
        left = [each for each in wanted if not self._is_done(each)]
        if not left:
            return
        with progress(what, "replies", sum(len(self._asked(each)) for each in left), stays=False, is_stage=True) as bar:
            asked, groups = tee(self._groups(left))
            for group, replies in zip(groups, self._team.do(map(self._joint, asked), self._model), strict=True):
                answers = iter(replies)
                for each in group:
                    self._write(each, [(label, prompt, next(answers)) for label, prompt in self._asked(each)])
                bar.update(len(replies))

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

    def _joint(self, group: Sequence[Wanted]) -> JointReplies:
        """The replies to a group of files, which take the same direction or nothing."""
        first = group[0]
        texts = [[prompt.text for _, prompt in self._asked(wanted)] for wanted in group]
        own = [wanted.each_in_turn(len(asked)) for wanted, asked in zip(group, texts, strict=True)]
        draws = [taken for taken in own if taken is not None]
        return JointReplies(
            texts,
            self._config,
            None if first.ablated is None else first.ablated.direction,
            None if first.ablated is None else first.ablated.means,
            torch.cat(draws) if draws else None,
            first.added,
            first.erasures,
            first.ablated is not None and self._in_weights(),
        )

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
