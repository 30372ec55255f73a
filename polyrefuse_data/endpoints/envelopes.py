"""Extracts the one JSON object from an answer, whatever models and servers wrap it in.

Exactly one, or nothing: prose beside it, a second object, or half an object may be a refusal, or an answer instead of
what was asked for.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
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


_REFUSED = object()


def unwrap(text: str, *, doubled: Any = _REFUSED) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The object that an answer consists of, and what it was wrapped in; None if it is not exactly one object.

    Only as much wrapping is removed as necessary, because the text in the object may itself look like wrapping. An
    object with a key twice is none, unless `doubled` is given: then this is the value of such a key.
    """
    notes: list[str] = []
    for note, bare in _unwrapped(text):
        notes += [note] if note else []
        found, how = _parse(bare, doubled)
        if isinstance(found, str):  # JSON within a JSON string
            found, within = _parse(found, doubled)
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
    """The text with one more layer of wrapping removed each time, and the name of that layer."""
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


def _parse(text: str, doubled: Any) -> tuple[Any, list[str]]:
    """The text as JSON, if necessary with raw line breaks in its strings; None if it is not JSON."""
    for strict, notes in ((True, []), (False, ["raw_newline"])):
        try:
            return json.loads(text, strict=strict, object_pairs_hook=partial(_object, doubled)), notes
        except (ValueError, RecursionError):
            continue
    return None, []


def _object(doubled: Any, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises ValueError for a duplicate key, because it is unknown which one is meant, unless `doubled` is given."""
    counts = Counter(key for key, _ in pairs)
    if doubled is _REFUSED and len(counts) < len(pairs):
        raise ValueError("a key appears twice")
    return {key: value if counts[key] == 1 else doubled for key, value in pairs}
