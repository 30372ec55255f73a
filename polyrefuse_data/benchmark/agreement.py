"""How far judges agree beyond chance: Cohen's kappa of two, Fleiss' of all, per language and over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from polyrefuse_data.benchmark.statistics import MIN_PROMPTS

Votes = Sequence[bool]


def cohens_kappa(first: Votes, second: Votes) -> float:
    """Agreement of two judges on the same replies, 1 where they agree on all, 0 where no more than by chance; NaN of
    nothing, and where both give one label only. Source: Cohen 1960."""
    n = len(first)
    if not n:
        return float("nan")
    observed = sum(one == other for one, other in zip(first, second, strict=True)) / n
    yes, also = sum(first) / n, sum(second) / n
    return _beyond_chance(observed, yes * also + (1 - yes) * (1 - also))


def fleiss_kappa(votes: Sequence[Votes]) -> float:
    """The same of any number of judges: `votes` holds each reply's, one a judge. Source: Fleiss 1971."""
    if not votes or len(votes[0]) < 2:
        return float("nan")
    judges = len(votes[0])
    pairs = judges * (judges - 1)
    alike = [sum(vote) * (sum(vote) - 1) + (judges - sum(vote)) * (judges - sum(vote) - 1) for vote in votes]
    yes = sum(map(sum, votes)) / (judges * len(votes))
    return _beyond_chance(sum(alike) / (pairs * len(votes)), yes**2 + (1 - yes) ** 2)


def judge_agreement(opinions: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]]) -> list[dict[str, Any]]:
    """A record for each language and one for all (`language` null), from each reply's opinions; nothing of one judge.

    Only replies count of which every judge has an opinion; `n` says how many those are, `of` how many there were.
    """
    everything = [told for replies in opinions.values() for told in replies]
    found = [*(_agreement(language, told) for language, told in opinions.items()), _agreement(None, everything)]
    return [record for record in found if record is not None]


def _agreement(language: str | None, replies: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any] | None:
    told = [opinions for opinions in replies if opinions]
    if not told or len(told[0]) < 2:
        return None
    names = [opinion["judge"] for opinion in told[0]]
    votes = [
        [opinion["refusal"] for opinion in opinions]
        for opinions in told
        if all(opinion["refusal"] is not None for opinion in opinions)
    ]
    return {
        "language": language,
        "n": len(votes),
        "of": len(told),
        "concludes": len(votes) >= MIN_PROMPTS,
        "fleiss": fleiss_kappa(votes),
        "pairs": [
            {
                "judges": [names[one], names[other]],
                "cohen": cohens_kappa([vote[one] for vote in votes], [vote[other] for vote in votes]),
                "agree": sum(vote[one] == vote[other] for vote in votes) / len(votes) if votes else float("nan"),
            }
            for one, other in combinations(range(len(names)), 2)
        ],
    }


def _beyond_chance(observed: float, expected: float) -> float:
    return (observed - expected) / (1 - expected) if expected < 1 else float("nan")
