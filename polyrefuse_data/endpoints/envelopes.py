"""The one JSON object in an answer, out of the wrapping in which models and servers put it.

Exactly one, or nothing: prose beside it, a second object or half of one may be a refusal or an answer in place of what
was asked for, and nobody here tells which.
"""

from __future__ import annotations

import json
import re
from typing import Any

# Marks between which reasoning models think aloud, before the answer: DeepSeek and Qwen, Seed, Magistral, GLM, gpt-oss.
_THOUGHT = re.compile(
    r"<(think|thinking|thought|reasoning|reflection|seed:think)>.*?</\1>|\[THINK\].*?\[/THINK\]|<\|begin_of_thought\|>.*?"
    r"<\|end_of_thought\|>|◁think▷.*?◁/think▷",
    re.DOTALL | re.IGNORECASE,
)
# The chat template opened the block in the prompt, so that the answer holds its end only.
_END_OF_THOUGHT = re.compile(
    r"^.*</(?:think|thinking|thought|reasoning|seed:think)>|^.*\[/THINK\]|^.*◁/think▷", re.DOTALL | re.IGNORECASE
)
_HARMONY = re.compile(r"^.*<\|channel\|>final<\|message\|>", re.DOTALL)
_FENCE = re.compile(r"```[\w-]*[ \t]*\r?\n?(.*?)\r?\n?[ \t]*```", re.DOTALL)
_END_TOKENS = re.compile(
    r"(?:\s|<\|(?:im_end|eot_id|end_of_text|endoftext|end|return|eom_id)\|>|</s>|<eos>|<end_of_turn>|<\|end▁of▁sentence\|>)+$"
)


def unwrap(text: str) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The object that an answer consists of, and what it was wrapped in; None where it is not exactly one object."""
    notes: list[str] = []
    bare = _without(text.lstrip("\ufeff"), notes, "bom" if text.startswith("\ufeff") else "")
    for pattern, note in ((_THOUGHT, "reasoning"), (_HARMONY, "reasoning"), (_END_OF_THOUGHT, "reasoning")):
        bare = _without(pattern.sub("", bare), notes, note if pattern.search(bare) else "")
    bare = _without(_END_TOKENS.sub("", bare), notes, "end_token" if _END_TOKENS.search(bare.rstrip()) else "")
    fenced = _FENCE.fullmatch(bare.strip())
    if fenced:
        bare = _without(fenced[1], notes, "fence")
    value = _parse(bare, notes)
    if isinstance(value, str):  # JSON within a JSON string
        value = _parse(_without(value, notes, "double_encoded"), notes)
    return (value, tuple(dict.fromkeys(notes))) if isinstance(value, dict) else (None, ())


def _without(text: str, notes: list[str], note: str) -> str:
    if note:
        notes.append(note)
    return text.strip()


def _parse(text: str, notes: list[str]) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        return None
    except ValueError:
        pass
    try:
        value = json.loads(text, strict=False)  # line breaks and tabs in strings, as they are
    except (ValueError, RecursionError):
        return None
    notes.append("raw_newline")
    return value
