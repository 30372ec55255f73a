"""The one JSON object in an answer, out of the wrapping in which models and servers put it.

Exactly one, or nothing: prose beside it, a second object or half of one may be a refusal, or an answer in place of what
was asked for, and nobody here tells which.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_BOM = "\ufeff"

# What ends a model's thinking aloud before the answer. The chat template may have opened it in the prompt, so that only
# the end is in the answer: DeepSeek and Qwen; Seed; Magistral; Kimi; gpt-oss; distillations.
_ENDS_OF_THOUGHT = (
    "</think>",
    "</thinking>",
    "</thought>",
    "</reasoning>",
    "</seed:think>",
    "[/THINK]",
    "◁/think▷",
    "<|end_of_thought|>",
    "<|channel|>final<|message|>",
    "<|channel|>final <|constrain|>json<|message|>",
)
# Tokens that end a turn, where a server does not take them off.
_END_TOKENS = (
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|end|>",
    "<|return|>",
    "<|end▁of▁sentence|>",
    "<｜end▁of▁sentence｜>",
    "<end_of_turn>",
    "</s>",
    "<eos>",
)
_MOST_END_TOKENS = 4
_FENCE = re.compile(r"```[\w-]*[ \t]*\r?\n?([^`].*?)\s*```", re.DOTALL)


def unwrap(text: str) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The object that an answer consists of, and what it was wrapped in; None where it is not exactly one object.

    Wrapping is taken off only as far as it takes: a text within the object may look like any of it.
    """
    notes: list[str] = []
    for note, bare in _unwrapped(text):
        notes += [note] if note else []
        found, how = _parse(bare)
        if isinstance(found, str):  # JSON within a JSON string
            found, within = _parse(found)
            how = ["double_encoded", *within]
        if isinstance(found, dict):
            return found, (*notes, *how)
    return None, ()


def bare(text: str) -> tuple[str, tuple[str, ...]]:
    """The whole of an answer that is text, without what stands around it (a BOM, reasoning before it, tokens that end
    a turn), and what that was. A fence stays: it may be the text's."""
    notes = []
    for note, less in _unwrapped(text):
        if note == "fence":
            break
        text = less
        notes += [note] if note else []
    return text, tuple(notes)


def _unwrapped(text: str) -> Iterator[tuple[str, str]]:
    """The text with one wrapping less each time, and the name of the one that was taken off."""
    yield "", text
    if text.startswith(_BOM):
        text = text.lstrip(_BOM)
        yield "bom", text
    ends = [text.rfind(end) + len(end) for end in _ENDS_OF_THOUGHT if end in text]
    if ends:
        text = text[max(ends) :]
        yield "reasoning", text
    bare = text.rstrip()
    for _ in range(_MOST_END_TOKENS):
        token = next((token for token in _END_TOKENS if bare.endswith(token)), "")
        bare = bare.removesuffix(token).rstrip()
    if bare != text.rstrip():
        text = bare
        yield "end_token", text
    fenced = _FENCE.fullmatch(text.strip())
    if fenced:
        yield "fence", fenced[1]


def _parse(text: str) -> tuple[Any, list[str]]:
    """JSON, if need be with line breaks as they are in its strings; None where it is none."""
    for strict, notes in ((True, []), (False, ["raw_newline"])):
        try:
            return json.loads(text, strict=strict, object_pairs_hook=_without_doubles), notes
        except (ValueError, RecursionError):
            continue
    return None, []


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises ValueError for a key that is there twice: nobody knows which of the two is meant."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key twice")
    return made
