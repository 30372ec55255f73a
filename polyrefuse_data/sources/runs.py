"""A hidden Markov model of how texts follow a list of prompts: which one each translates, given its neighbours.

A text translates one of the prompts, or none that the list shows. The next text translates the next prompt, except for
rare breaks. Forward and backward passes as in Rabiner 1989, scaled at each row.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from polyrefuse_data.text.bags import Matrix

# At the start, and after a break, none of three readings is preferred: the prompt at the text's own place, another one
# (the nearer the likelier, as one over the distance), none. A break comes once in a hundred rows, and one row in
# twenty is garbage, which says nothing. Fewer breaks, or more garbage, would lose less and find less.
_READING = 1 / 3
_BREAK = 0.01
_GARBAGE = 0.05

Vector = npt.NDArray[np.float64]


def follow(odds: Matrix) -> tuple[Vector, npt.NDArray[np.int64]]:
    """For each text, the probability that it translates the prompt in its position, and where it would belong
    otherwise.

    `odds` are the log-odds of every prompt (row) and text (column). The second array says how many rows further down
    the most likely other prompt is; 0 if none is likelier.
    """
    prompts, texts = odds.shape
    emitted = np.ones((texts, prompts + 1))  # the last state is that of no prompt
    emitted[:, :-1] = (1 - _GARBAGE) * np.exp(odds.T) + _GARBAGE
    starts = _Starts(prompts, texts)
    states = _forward(emitted, starts)
    states *= _backward(emitted, starts)
    states /= states.sum(axis=1, keepdims=True)
    at_place = np.zeros(texts)
    own = np.arange(min(prompts, texts))
    at_place[own] = states[own, own]
    states[own, own] = 0
    elsewhere = states.argmax(axis=1)
    return at_place, np.where(elsewhere < prompts, elsewhere - np.arange(texts), 0)


class _Starts:
    """For each text, the probability of every state when nothing is known about the previous one."""

    def __init__(self, prompts: int, texts: int) -> None:
        away = abs(np.arange(1 - texts, prompts))
        weights = _READING / np.maximum(away, 1) / (2 * (1 / np.arange(1, max(prompts, 2))).sum())
        self._weights = np.where(away == 0, _READING, weights)
        self._prompts, self._texts = prompts, texts

    def __getitem__(self, text: int) -> Vector:
        first = self._texts - 1 - text
        return np.append(self._weights[first : first + self._prompts], _READING)


def _forward(emitted: Vector, starts: _Starts) -> Vector:
    states = np.empty_like(emitted)
    for text, odds in enumerate(emitted):
        state = (1 - _BREAK) * _moved(states[text - 1]) + _BREAK * starts[text] if text else starts[text]
        states[text] = state * odds
        states[text] /= states[text].sum()
    return states


def _moved(state: Vector) -> Vector:
    """Every state moved one prompt further down; past the last prompt there is none."""
    moved = np.concatenate([[0.0], state[:-1]])
    moved[-1] += state[-1]
    return moved


def _backward(emitted: Vector, starts: _Starts) -> Vector:
    seen = np.ones_like(emitted)  # how likely the texts after this one are, from each of its states
    for text in range(len(emitted) - 1, 0, -1):
        following = emitted[text] * seen[text]
        stayed = np.append(following[1:], following[-1])
        state = (1 - _BREAK) * stayed + _BREAK * (starts[text] @ following)
        seen[text - 1] = state / state.max()
    return seen
