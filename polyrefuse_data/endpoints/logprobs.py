"""Tokens of an answer, and how likely others were in their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_ROUNDED = 1e-3  # above 0, the logarithm of 1, only by rounding


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
                _token(entry["token"], ((other["token"], other["logprob"]) for other in entry["top_logprobs"]))
                for entry in told["content"]
            )
        return tuple(
            _token(text, others.items()) for text, others in zip(told["tokens"], told["top_logprobs"], strict=True)
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return ()


def _token(text: Any, odds: Iterable[tuple[Any, Any]]) -> Token:
    """Raises TypeError or ValueError for what is no text, or no log-probability of one."""
    token = Token(text, {other: float(logprob) for other, logprob in odds})
    if not all(isinstance(one, str) for one in (text, *token.odds)):
        raise TypeError("a token that is no text")
    if not all(logprob <= _ROUNDED for logprob in token.odds.values()):
        raise ValueError("no log-probability")
    return token
