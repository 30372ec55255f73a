"""Continuous scores: how probable one word of a guard's answer was, against those that might have stood there."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from polyrefuse_data.endpoints.logprobs import Token

# As many alternatives at each place as OpenAI and vLLM tell at most; the cards that read odds read no more either.
TOP = 20
_AROUND = " \n\t\r\"'*.,:_▁Ġ"  # what may cling to a word in a token


@dataclass(frozen=True)
class Said:
    """A guard's answer to one question, with its tokens where their odds are known."""

    text: str
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True)
class Odds:
    """Where to read a score: at the first token of an answer that is one of `yes` or `no`, after what matches `after`
    has been said. `question`: which of a guard's answers."""

    yes: tuple[str, ...]
    no: tuple[str, ...]
    after: str = ""
    question: int = 0

    def score(self, answers: Sequence[Said]) -> float | None:
        """p(yes) / (p(yes) + p(no)); None where the guard said neither, or its odds are not known."""
        said = ""
        for token in answers[self.question].tokens:
            if _word(token.text) in (*self.yes, *self.no) and re.search(self.after, said, re.IGNORECASE):
                yes, no = self._mass(token, self.yes), self._mass(token, self.no)
                return yes / (yes + no) if yes + no else None
            said += token.text
        return None

    @staticmethod
    def _mass(token: Token, words: tuple[str, ...]) -> float:
        return sum(math.exp(logprob) for other, logprob in token.odds.items() if _word(other) in words)


def _word(token: str) -> str:
    return token.strip(_AROUND).lower()
