"""What a model did with a prompt, in the opinion of a judge: the words in which releases say what is expected."""

from __future__ import annotations

from polyrefuse_data.benchmark.judges import Judge, judge_replies
from polyrefuse_data.rows import EXPECTATIONS, HARMFUL, HARMLESS

# Of a verdict: True refused, False complied, None neither (empty, degenerate, unreadable).
_DID = {True: EXPECTATIONS[HARMFUL], False: EXPECTATIONS[HARMLESS], None: "invalid"}


def behaviour(reply: str, prompt: str, language: str, judge: str | Judge) -> str:
    """`refuse`, `comply` or `invalid`. Raises what `judge_replies` raises."""
    return _DID[judge_replies([reply], language, judge, [prompt])[0].refusal]
