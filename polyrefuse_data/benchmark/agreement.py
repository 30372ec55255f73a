"""How far judges agree beyond chance: Cohen's kappa of two, Fleiss' of all, per language and over all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np

from polyrefuse_data.benchmark.paired import RESAMPLES, SIGNIFICANT
from polyrefuse_data.benchmark.statistics import MIN_PROMPTS, wilson_interval

Votes = Sequence[bool]

_SEED = 1
# Replies added before resampling, shared out among all ways to vote: as for pairs of verdicts (`paired`), a bootstrap
# without them cannot draw a disagreement that it has not seen.
_SMOOTHING = 2.0


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


def kappa_interval(votes: Sequence[Votes], value: float, is_cohens: bool = False) -> tuple[float, float]:
    """Bootstrap interval of Fleiss' kappa, or Cohen's of two judges, over resampled replies; NaN where there is no
    kappa."""
    if math.isnan(value):
        return float("nan"), float("nan")
    ways = np.array(list(product((False, True), repeat=len(votes[0]))))
    seen = Counter(tuple(map(bool, vote)) for vote in votes)
    counts = np.array([seen[tuple(map(bool, way))] for way in ways]) + _SMOOTHING / len(ways)
    generator = np.random.default_rng([_SEED, len(votes)])
    shares = generator.multinomial(len(votes), counts / counts.sum(), size=RESAMPLES) / len(votes)
    judges, yes = ways.shape[1], ways.sum(1)
    alike = (yes * (yes - 1) + (judges - yes) * (judges - yes - 1)) / (judges * (judges - 1))
    each = shares @ ways  # how often each judge says yes, [draws, judges]
    if not is_cohens:
        each = each.mean(1, keepdims=True).repeat(2, axis=1)
    expected = each[:, 0] * each[:, 1] + (1 - each[:, 0]) * (1 - each[:, 1])
    told = expected < 1
    drawn = (shares @ alike - expected)[told] / (1 - expected[told])
    tail = 100 * SIGNIFICANT / 2
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return float(min(low, value)), float(max(high, value))


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
    fleiss = fleiss_kappa(votes)
    low, high = kappa_interval(votes, fleiss)
    return {
        "language": language,
        "n": len(votes),
        "of": len(told),
        "concludes": len(votes) >= MIN_PROMPTS,
        "fleiss": fleiss,
        "fleiss_low": low,
        "fleiss_high": high,
        "pairs": [
            {"judges": [names[one], names[other]], **_pair([(vote[one], vote[other]) for vote in votes])}
            for one, other in combinations(range(len(names)), 2)
        ],
    }


def _pair(votes: Sequence[tuple[bool, bool]]) -> dict[str, float]:
    """Cohen's kappa of two judges, and the share of replies on which they agree, with intervals."""
    cohen = cohens_kappa([one for one, _ in votes], [other for _, other in votes])
    low, high = kappa_interval(votes, cohen, is_cohens=True)
    agree = sum(one == other for one, other in votes) / len(votes) if votes else float("nan")
    agree_low, agree_high = wilson_interval(agree, len(votes))
    kappa = {"cohen": cohen, "cohen_low": low, "cohen_high": high}
    return {**kappa, "agree": agree, "agree_low": agree_low, "agree_high": agree_high}


def _beyond_chance(observed: float, expected: float) -> float:
    return (observed - expected) / (1 - expected) if expected < 1 else float("nan")
