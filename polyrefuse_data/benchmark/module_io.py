"""The hidden states among what a module is called with and what it returns.

They are [rows, tokens, width], except for models that keep several copies of the stream side by side: Gemma 3n
([copies, rows, tokens, width]) and those with hyper-connections, as DeepSeek V4 ([rows, tokens, copies, width]). Of
these, `copies` is the axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_NAME = "hidden_states"


def is_stream(value: Any) -> bool:
    """Whether a value may be hidden states."""
    return isinstance(value, Tensor) and value.ndim in (3, 4) and torch.is_floating_point(value)


def copies_axis(hidden: Tensor, rows: int, tokens: int) -> int | None:
    """The axis of the stream's copies, None where there is but one stream. Raises ValueError for an unknown layout."""
    if hidden.ndim == 3:
        return None
    axes = {(rows, tokens, hidden.shape[2]): 2, (hidden.shape[0], rows, tokens): 0}
    if (axis := axes.get(tuple(hidden.shape[:-1]))) is None:
        raise ValueError(f"hidden states of shape {tuple(hidden.shape)} for {rows} rows of {tokens} tokens")
    return axis


def one_stream(hidden: Tensor, copies: int | None) -> Tensor:
    """Hidden states as [rows, tokens, width]: the mean of the copies."""
    return hidden if copies is None else hidden.mean(copies)


def each_copy(change: Callable[[Tensor], Tensor], copies: int | None) -> Callable[[Tensor], Tensor]:
    """A change of [rows, tokens, width], made in each of the copies."""
    if copies is None:
        return change

    def changed(hidden: Tensor) -> Tensor:
        rows_first = hidden.movedim(copies, 1)
        several = change(rows_first.flatten(1, 2))  # as if the copies were tokens, one after the other
        return several.unflatten(1, rows_first.shape[1:3]).movedim(1, copies).contiguous()

    return changed


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
