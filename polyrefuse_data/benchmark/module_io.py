"""The hidden states among what a module is called with and what it returns."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_NAME = "hidden_states"


def is_stream(value: Any) -> bool:
    """Whether a value may be hidden states: [rows, tokens, width], floating point."""
    return isinstance(value, Tensor) and value.ndim == 3 and torch.is_floating_point(value)


def first_tensor(output: Any) -> Any:
    """The hidden states among what a module returns (a tensor, or a tuple that starts with it)."""
    return output[0] if isinstance(output, tuple | list) and output else output


def block_input(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The hidden states that a block was called with, None where there are none."""
    place = _place(args, kwargs)
    return None if place is None else args[place] if isinstance(place, int) else kwargs[place]


def with_input(args: tuple[Any, ...], kwargs: dict[str, Any], hidden: Tensor) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a block with these hidden states in place of its own."""
    place = _place(args, kwargs)
    if isinstance(place, int):
        return (*args[:place], hidden, *args[place + 1 :]), kwargs
    return args, {**kwargs, place or _NAME: hidden}


def _place(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | str | None:
    """Where among its arguments a block finds its hidden states."""
    if _NAME in kwargs:
        return _NAME
    found = (index for index, value in enumerate(args) if is_stream(value))
    named = (name for name, value in kwargs.items() if is_stream(value))
    return next(found, None) if any(map(is_stream, args)) else next(named, None)
