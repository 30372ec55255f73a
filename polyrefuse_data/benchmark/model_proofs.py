"""What is asked of a model once, when it is loaded: what it computes decides how it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from polyrefuse_data.benchmark.module_io import block_input
from polyrefuse_data.models.proof import COARSE, agree
from polyrefuse_data.models.reasoning import beginning

if TYPE_CHECKING:
    from polyrefuse_data.benchmark.model import ChatModel

# What shortcuts are proved on: two prompts of unlike length, so that one is padded.
PROBES = ("?", "Say hello to everyone, please.")

# Tokens within which a model has written the mark of its reasoning, where it begins with one.
_LONGEST_MARK = 16


def is_causal(model: ChatModel, ids: list[int]) -> bool:
    """Whether another last token leaves what is computed before it as it is."""
    probe, changed = (model.batch([row]) for row in (ids, [*ids[:-1], ids[0]]))
    before, after = (model.network(**model.inputs(batch), use_cache=False).logits[0, :-1] for batch in (probe, changed))
    return agree(before, after, narrow=COARSE["narrow"])


def find_decoder(model: ChatModel) -> Any:
    """The network without its output head, where running that runs the same blocks on the same; else all of it."""
    batch = model.batch(model.encode(PROBES))
    last = model.blocks[-1].module
    seen: list[Any] = []
    handle = last.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(block_input(args, kwargs)), with_kwargs=True
    )
    try:
        model.network(**model.inputs(batch), use_cache=False)
        decoder = model.network.get_decoder()
        decoder(**model.inputs(batch), use_cache=False)
    except (TypeError, ValueError, AttributeError, RuntimeError):  # a decoder with another signature
        return model.network
    finally:
        handle.remove()
    return decoder if len(seen) == 2 and torch.equal(seen[0], seen[1]) else model.network


def pads_right(model: ChatModel) -> bool:
    """Whether rows that are padded on the left have the logits that they have alone."""
    encoded = model.encode(PROBES)
    alone = torch.cat([model.last_logits(model.batch([ids])) for ids in encoded])
    return agree(alone, model.last_logits(model.batch(encoded)), **COARSE)


def own_reasoning_closed(model: ChatModel) -> str:
    """What closes reasoning that the model begins by itself, unasked by its template; nothing for other models."""
    ids = model.encode(PROBES[1:])[0]
    said: list[int] = []
    while len(said) < _LONGEST_MARK:
        said.append(int(model.last_logits(model.batch([ids + said])).argmax()))
        form, more = beginning(model.tokenizer.decode(said, skip_special_tokens=False))
        if form is not None:
            return form.empty
        if not more:
            break
    return ""
