"""Tokens of an answer, and how likely others were in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Token:
    """One token of an answer; `odds` are log-probabilities of the likeliest tokens in its place, by their text."""

    text: str
    odds: Mapping[str, float]


def read_tokens(choice: Mapping[str, Any]) -> tuple[Token, ...]:
    """The tokens of a choice, in the form of chat completions or of completions; none where the API gave none."""
    told = choice.get("logprobs")
    if not isinstance(told, Mapping):
        return ()
    try:
        if isinstance(told.get("content"), list):
            return tuple(
                Token(entry["token"], {other["token"]: float(other["logprob"]) for other in entry["top_logprobs"]})
                for entry in told["content"]
            )
        return tuple(
            Token(text, {str(other): float(logprob) for other, logprob in others.items()})
            for text, others in zip(told["tokens"], told["top_logprobs"], strict=True)
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return ()
