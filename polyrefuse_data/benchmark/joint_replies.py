"""Replies to the prompts of several files at once: a task for any process of the team."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any

from torch import Tensor

from polyrefuse_data.benchmark.config import BenchmarkConfig
from polyrefuse_data.benchmark.erasure import Erasure, erase
from polyrefuse_data.benchmark.generation import Reply, generate
from polyrefuse_data.benchmark.interventions import add_direction
from polyrefuse_data.benchmark.means import PlaceMeans
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.weight_edit import fastest_ablation


@dataclass(frozen=True, eq=False)
class JointReplies:
    """The prompts of each file, and what is done to the model while it answers all of them, in order.

    With `draws` ([prompts, d_model]), each prompt has its own direction ablated. Otherwise `direction`, if any, is
    ablated for all of them, in the weights if `in_weights`, or `added` to the input of a layer so many times. With
    `erasures`, the prompts of a file take these in turn.
    """

    texts: Sequence[Sequence[str]]
    config: BenchmarkConfig
    direction: Tensor | None = None
    means: PlaceMeans | None = None
    draws: Tensor | None = None
    added: tuple[int, float] | None = None
    erasures: Sequence[Erasure] = ()
    in_weights: bool = False

    def __call__(self, model: ChatModel) -> list[Reply]:
        every = list(chain.from_iterable(self.texts))
        if self.erasures:
            return self._erased(model, every)
        if self.draws is not None:
            return self._replies(model, every, directions=self.draws, mode=self.config.mode, means=self.means)
        with self._intervention(model):
            return self._replies(model, every)

    def _erased(self, model: ChatModel, every: Sequence[str]) -> list[Reply]:
        turns = [place % len(self.erasures) for prompts in self.texts for place in range(len(prompts))]
        replies: dict[int, Reply] = {}
        for turn, erasure in enumerate(self.erasures):
            rows = [row for row, own in enumerate(turns) if own == turn]
            with erase(model, erasure):
                replies |= zip(rows, self._replies(model, [every[row] for row in rows]), strict=True)
        return [replies[row] for row in range(len(every))]

    def _replies(self, model: ChatModel, texts: Sequence[str], **ablation: Any) -> list[Reply]:
        return generate(
            model,
            texts,
            max_new_tokens=self.config.max_new_tokens,
            reasoning=self.config.reasoning == "open",
            reasoning_tokens=self.config.reasoning_tokens,
            **ablation,
        )

    def _intervention(self, model: ChatModel) -> AbstractContextManager[None]:
        """What is done to all rows alike, if anything is."""
        if self.direction is None:
            return nullcontext()
        if self.added is not None:
            return add_direction(model, self.direction, *self.added)
        return fastest_ablation(model, self.direction, self.config.mode, self.in_weights, self.means)
