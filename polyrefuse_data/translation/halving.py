"""Rows that a model on this machine fails at: each half by itself, down to the row that is to blame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from polyrefuse_data.errors import ModelError
from polyrefuse_data.system.machine_faults import is_out_of_memory
from polyrefuse_data.translation.base import Failure, Result

Row = TypeVar("Row")

# What libraries of models raise when they cannot compute; PyTorch's CPU kernels call it an IndexError.
ERRORS = (RuntimeError, ValueError, IndexError, MemoryError)

# A model that fails at this one too is broken; one that does not, failed because of the text.
PLAIN_SENTENCE = "How are you?"


def in_halves(
    rows: Sequence[Row],
    compute: Callable[[Sequence[Row]], list[Result]],
    prove: Callable[[], None],
    name: str,
) -> list[Result]:
    """`compute(rows)`; where it fails, that of each half. Raises ModelError where `prove`, which has a plain sentence
    translated, fails too."""
    if not rows:
        return []
    try:
        return compute(rows)
    except ERRORS as error:
        failure = _failure(error, prove, name)
    if len(rows) == 1:
        return [failure]
    half = len(rows) // 2
    parts = (rows[:half], rows[half:])
    return [result for part in parts for result in in_halves(part, compute, prove, name)]


def _failure(error: Exception, prove: Callable[[], None], name: str) -> Failure:
    if is_out_of_memory(error):
        return Failure("out_of_memory", first_line(error), ask_again=True)
    try:
        prove()
    except ERRORS as fault:
        raise ModelError(
            f"translation model {name!r} cannot translate on this machine ({first_line(fault)}): try "
            'device = "cpu", dtype = "float32" or runtime = "transformers"; earlier answers are kept'
        ) from fault
    return Failure("model_failed", first_line(error), ask_again=True)


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
