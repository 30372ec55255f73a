"""The forward and backward passes against every path of a small model, written out."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from polyrefuse_data.sources import runs
from polyrefuse_data.sources.runs import follow


def by_enumeration(odds: np.ndarray) -> np.ndarray:
    """P(text t translates prompt t): the sum over all paths through it by that over all paths."""
    prompts, texts = odds.shape
    none = prompts  # the state of no prompt
    share = runs._READING / (2 * sum(1 / away for away in range(1, max(prompts, 2))))

    def start(state: int, text: int) -> float:
        return runs._READING if state in (none, text) else share / abs(state - text)

    def step(before: int, state: int, text: int) -> float:
        follows = none if before >= none - 1 else before + 1
        return (1 - runs._BREAK) * (state == follows) + runs._BREAK * start(state, text)

    def emitted(state: int, text: int) -> float:
        return 1.0 if state == none else (1 - runs._GARBAGE) * float(np.exp(odds[state, text])) + runs._GARBAGE

    total, at_place = 0.0, np.zeros(texts)
    for path in product(range(prompts + 1), repeat=texts):
        probability = start(path[0], 0) * emitted(path[0], 0)
        for text in range(1, texts):
            probability *= step(path[text - 1], path[text], text) * emitted(path[text], text)
        total += probability
        at_place += probability * np.array([state == text and state < prompts for text, state in enumerate(path)])
    return at_place / total


@pytest.mark.parametrize(("prompts", "texts"), [(4, 4), (3, 5), (5, 3), (1, 4)])
def test_the_passes_sum_over_all_paths(prompts: int, texts: int) -> None:
    odds = np.random.default_rng(0).normal(scale=3, size=(prompts, texts)).astype(np.float32)
    assert follow(odds)[0] == pytest.approx(by_enumeration(odds), rel=1e-5)


def test_where_a_text_belongs_is_said_in_rows_further_down() -> None:
    odds = np.full((30, 30), -2.0, np.float32)
    for text in range(30):
        odds[min(29, text + (3 if text >= 10 else 0)), text] = 4
    at_place, shift = follow(odds)
    assert (at_place[:9] > 0.99).all() and (at_place[11:25] < 0.01).all()
    assert shift[11:25].tolist() == [3] * 14
