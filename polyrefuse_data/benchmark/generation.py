"""Greedy replies in batches: sorted by length and left-padded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from polyrefuse_data.benchmark.config import REASONING_TOKENS
from polyrefuse_data.benchmark.interventions import ablate
from polyrefuse_data.benchmark.means import PlaceMeans
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.models.batches import with_backoff
from polyrefuse_data.models.growing_reply import GrowingReply
from polyrefuse_data.models.reasoning import strip_reasoning

CPU_CACHE_TOKENS = 16384
GPU_CACHE_TOKENS = 131072


@dataclass(frozen=True)
class Reply:
    """A greedy reply: its text without special tokens and reasoning, the ids that were generated, and how many of these
    are the reasoning's."""

    text: str
    token_ids: list[int]
    n_reasoning: int = 0

    @property
    def answer_token_ids(self) -> list[int]:
        return self.token_ids[self.n_reasoning :]


def generate(
    model: ChatModel,
    prompts: Sequence[str],
    *,
    max_new_tokens: int = 128,
    reasoning: bool = False,
    reasoning_tokens: int = REASONING_TOKENS,
    directions: Tensor | None = None,
    mode: str = "reference",
    means: PlaceMeans | None = None,
) -> list[Reply]:
    """One greedy reply per prompt, in order. Active interventions apply to every token.

    `directions` ([prompts, d_model]) ablates a separate direction for each prompt, in `mode` with `means`, as `ablate`
    does.

    An answer ends at any of the model's end tokens or after `max_new_tokens`. With `reasoning`, the model may reason
    first; otherwise its reasoning is closed before it begins. Reasoning, whether requested or not, may take
    `reasoning_tokens` more and is then closed. Batches shrink if memory runs out. If the model computes NaN for a
    prompt, its reply is empty, because it chose no token.
    """
    encoded = model.encode(prompts, reasoning)
    begun = model.chat.begun_reasoning if reasoning else None
    stop = model.end_token_ids
    replies: dict[int, GrowingReply] = {}

    def run(rows: Sequence[int]) -> None:
        for row in rows:  # again, if a larger batch failed
            replies[row] = GrowingReply(model.tokenizer, stop, begun, max_new_tokens, reasoning_tokens)
        with _ablation(model, directions, rows, mode, means) as keep_rows:
            model.grow([encoded[row] for row in rows], [replies[row] for row in rows], keep_rows)

    longest = max_new_tokens + (reasoning_tokens if begun else 0)
    for rows in model.row_batches([len(ids) + longest for ids in encoded], cache_tokens(model.device)):
        with_backoff(run, rows)
    return [_reply(model, replies[row]) for row in range(len(prompts))]


def cache_tokens(device: torch.device) -> int:
    """Tokens (prompts and replies) that a batch may hold in the cache."""
    return CPU_CACHE_TOKENS if device.type == "cpu" else GPU_CACHE_TOKENS


@contextmanager
def _ablation(
    model: ChatModel, directions: Tensor | None, rows: Sequence[int], mode: str, means: PlaceMeans | None
) -> Iterator[Callable[[Sequence[int]], None] | None]:
    """Ablate the directions of these rows; what to call when only some of them go on."""
    if directions is None:
        yield None
        return
    with ablate(model, directions[list(rows)], mode, means) as ablation:
        yield ablation.keep_rows


def _reply(model: ChatModel, grown: GrowingReply) -> Reply:
    kept = [token for token in grown.token_ids[grown.n_reasoning :] if token not in model.end_token_ids]
    text: str = model.tokenizer.decode(kept, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    answer = strip_reasoning(text)  # reasoning marked anywhere but at the beginning
    for token in model.tokenizer.all_special_tokens:
        answer = answer.replace(token, "")
    return Reply(answer.strip(), grown.token_ids, grown.n_reasoning)
