"""What is asked of a model once, when it is loaded: what it computes decides how it is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from polyrefuse_data.benchmark.chat import ChatTemplate
from polyrefuse_data.benchmark.module_io import block_input
from polyrefuse_data.models.causal import CausalModel
from polyrefuse_data.models.proof import COARSE, agree
from polyrefuse_data.models.reasoning import beginning, follows_marks, opens_answer

# What shortcuts are proved on: two prompts of unlike length, so that one is padded.
PROBES = ("?", "Say hello to everyone, please.")

# Tokens within which a model has written the mark of its reasoning or its answer, where it begins with one.
_LONGEST_MARK = 16
# Reasoning, the mark of an answer, and the space before and after it.
_MOST_MARKS = 4


def is_causal(model: CausalModel, ids: list[int]) -> bool:
    """Whether another last token leaves what is computed before it as it is."""
    probe, changed = (model.batch([row]) for row in (ids, [*ids[:-1], ids[0]]))
    before, after = (model.network(**model.inputs(batch), use_cache=False).logits[0, :-1] for batch in (probe, changed))
    return agree(before, after, narrow=COARSE["narrow"])


def find_decoder(model: CausalModel, last: torch.nn.Module, encoded: Sequence[Sequence[int]]) -> Any:
    """The network without its output head, where running that on these probes gives the last block the same input; else
    all of it."""
    batch = model.batch(encoded)
    seen: list[Any] = []
    handle = last.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(block_input(args, kwargs)), with_kwargs=True
    )
    try:
        model.network(**model.inputs(batch), use_cache=False)
        decoder = model.network.get_decoder()
        decoder(**model.inputs(batch), use_cache=False)
    except (TypeError, ValueError, AttributeError, IndexError, RuntimeError):  # a decoder with another signature
        return model.network
    finally:
        handle.remove()
    return decoder if len(seen) == 2 and torch.equal(seen[0], seen[1]) else model.network


def pads_right(model: CausalModel, encoded: Sequence[Sequence[int]]) -> bool:
    """Whether rows of unlike length that are padded on the left have the logits that they have alone."""
    alone = torch.cat([model.last_logits(model.batch([ids])) for ids in encoded])
    return agree(alone, model.last_logits(model.batch(encoded)), **COARSE)


def lead_to_answer(model: CausalModel, chat: ChatTemplate, tokenizer: Any) -> None:
    """Have the template give the model, from now on, what it writes before every answer by itself, unasked: reasoning
    that is none, the mark that its answers are wrapped in, and space after either."""
    for _ in range(_MOST_MARKS):
        written = _own_reasoning(model, chat, tokenizer) or _own_mark(model, chat, tokenizer)
        if not written:
            return
        chat.before_answer += written


def _own_reasoning(model: CausalModel, chat: ChatTemplate, tokenizer: Any) -> str:
    """What closes reasoning that the model begins."""
    ids = chat.encode(PROBES[1:])[0]
    said: list[int] = []
    while len(said) < _LONGEST_MARK:
        said.append(_next_token(model, ids + said))
        form, more = beginning(_decoded(tokenizer, said))
        if form is not None:
            return form.empty
        if not more:
            break
    return ""


def _own_mark(model: CausalModel, chat: ChatTemplate, tokenizer: Any) -> str:
    """The mark of an answer that the model begins both probes with, or space where reasoning or such a mark stands
    before it; nothing where it is not read again as the tokens that were written.

    Space alone is left to the answer in any other model: the reference pipeline scores it, and takes directions before
    it.
    """
    first, second = chat.encode(PROBES)
    rendered = chat.render(PROBES[1])
    goes_on = follows_marks(rendered)
    said: list[int] = []
    while len(said) < _LONGEST_MARK:
        token = _next_token(model, second + said)
        if token != _next_token(model, first + said):
            break
        said.append(token)
        text = _decoded(tokenizer, said)
        opens, more = opens_answer(text)
        if opens and (goes_on or text.strip()):
            again = tokenizer(rendered + text, add_special_tokens=False)["input_ids"]
            return text if again == second + said else ""
        if not more:
            break
    return ""


def _next_token(model: CausalModel, ids: list[int]) -> int:
    return int(model.last_logits(model.batch([ids])).argmax())


def _decoded(tokenizer: Any, ids: list[int]) -> str:
    text: str = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return text
