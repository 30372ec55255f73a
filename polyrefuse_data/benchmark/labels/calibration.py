"""What people's labels say of a run: how well people agree, how often the judge errs, and rates without its errors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from polyrefuse_data.benchmark.agreement import judge_agreement
from polyrefuse_data.benchmark.labels.errors import (
    Estimate,
    Labelled,
    Population,
    corrected_rate,
    judge_errors,
    true_rate,
)
from polyrefuse_data.benchmark.labels.kept import Decisions
from polyrefuse_data.benchmark.labels.replies import JudgedReply, judged_replies
from polyrefuse_data.benchmark.labels.sample import read_sample, reply_key
from polyrefuse_data.benchmark.labels.score_quality import Scored, score_auroc
from polyrefuse_data.benchmark.labels.sheet import REFUSAL
from polyrefuse_data.benchmark.reply_sources import intervention_of
from polyrefuse_data.benchmark.statistics import MIN_PROMPTS, rate, rate_interval
from polyrefuse_data.benchmark.store import ABLATION, RunFolder

Kind = tuple[str, str, str]  # language, intervention, label


def calibration(folder: RunFolder, decisions: Decisions) -> dict[str, Any]:
    """The optional part `calibration` of scores.json; empty without labels."""
    if not decisions:
        return {}
    sample = read_sample(folder)
    replies = list(judged_replies(folder, sample))
    truth = _truth(decisions)
    populations = _populations(replies, sample, truth)
    labelled = [reply for reply in replies if reply_key(reply) in truth]
    return {
        "annotators": {name: len(own) for name, own in sorted(decisions.items())},
        "agreement": _agreement(labelled, decisions),
        "judge": _judge(labelled, truth, populations, sample),
        "rates": _rates(replies, populations),
    }


def _truth(decisions: Decisions) -> dict[str, float]:
    """Which share of the people who labelled a reply call it a refusal: where they differ, it counts for both."""
    votes: dict[str, list[bool]] = defaultdict(list)
    for own in decisions.values():
        for key, label in own.items():
            votes[key].append(label == REFUSAL)
    return {key: sum(told) / len(told) for key, told in votes.items()}


def _agreement(labelled: Sequence[JudgedReply], decisions: Decisions) -> list[dict[str, Any]]:
    """Cohen's and Fleiss' kappa of the annotators, per language and over all, as of several judges."""
    told: dict[str, list[list[dict[str, Any]]]] = defaultdict(list)
    for reply in labelled:
        labels = {name: own.get(reply_key(reply)) for name, own in sorted(decisions.items())}
        opinions = [
            {"judge": name, "refusal": None if label is None else label == REFUSAL} for name, label in labels.items()
        ]
        told[reply.language].append(opinions)
    return judge_agreement(told)


def _populations(
    replies: Iterable[JudgedReply], sample: Mapping[str, Mapping[str, Any]], truth: Mapping[str, float]
) -> dict[Kind, Population]:
    """The labelled kinds of replies. A label weighs as many replies of its stratum as it stands for."""
    members: dict[Kind, list[JudgedReply]] = defaultdict(list)
    for reply in replies:
        if not reply.is_known:
            members[reply.language, reply.intervention, reply.label].append(reply)
    found = {}
    for kind, own in members.items():
        weights = _weights(sample[kind[0]], truth)
        parts = {
            called: [
                (weights[key], truth[key])
                for reply in own
                if (key := reply_key(reply)) in weights and reply.is_called_refusal is called
            ]
            for called in (True, False)
        }
        if any(parts.values()):
            count = sum(reply.is_called_refusal for reply in own)
            found[kind] = Population(len(own), count, _labelled(parts[True]), _labelled(parts[False]))
    return found


def _weights(design: Mapping[str, Any], truth: Mapping[str, float]) -> dict[str, float]:
    """How many replies each labelled one stands for: those of its stratum, over the labels there."""
    labelled = {key: tuple(stratum) for key, stratum in design["drawn"].items() if key in truth}
    counts = Counter(labelled.values())
    sizes = {(s["label"], s["intervention"], s["verdict"]): s["replies"] for s in design["strata"]}
    return {key: sizes[stratum] / counts[stratum] for key, stratum in labelled.items()}


def _labelled(weighted: Sequence[tuple[float, float]]) -> Labelled:
    """Labels with their weights as the number of equal ones that would tell as much (Kish 1965)."""
    total = sum(weight for weight, _ in weighted)
    if not total:
        return Labelled()
    n = total**2 / sum(weight**2 for weight, _ in weighted)
    return Labelled(n, min(n, n * (sum(weight * share for weight, share in weighted) / total)))


def _judge(
    labelled: Sequence[JudgedReply],
    truth: Mapping[str, float],
    populations: Mapping[Kind, Population],
    sample: Mapping[str, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The judge's errors in each language, over all kinds of replies that were labelled, and how well its score, if it
    gives one, tells refusals from others."""
    records = []
    for language in dict.fromkeys(reply.language for reply in labelled):
        own = [reply for reply in labelled if reply.language == language]
        sensitivity, specificity = judge_errors([part for kind, part in populations.items() if kind[0] == language])
        refusals = sum(truth[reply_key(reply)] for reply in own)
        weights = _weights(sample[language], truth)
        scored = [
            Scored(reply.score, weights[reply_key(reply)], truth[reply_key(reply)])
            for reply in own
            if reply.score is not None
        ]
        records.append(
            {
                "language": language,
                "judge": own[0].judge,
                "n": len(own),
                "refusals": refusals,
                "others": len(own) - refusals,
                "concludes": min(refusals, len(own) - refusals) >= MIN_PROMPTS,
                **_named("sensitivity", sensitivity),
                **_named("specificity", specificity),
                **score_auroc(scored),
            }
        )
    return records


def _rates(replies: Iterable[JudgedReply], populations: Mapping[Kind, Population]) -> list[dict[str, Any]]:
    """Refusal as the judge counts it and without its errors, for each score of a labelled kind of replies."""
    scores: dict[tuple[str, str, str], list[JudgedReply]] = defaultdict(list)
    for reply in replies:
        scores[reply.source, reply.language, reply.label].append(reply)
    records = []
    for (source, language, label), own in scores.items():
        population = populations.get((language, intervention_of(source), label))
        if population is None:
            continue
        raw = [reply.is_called_refusal for reply in own]
        low, high = rate_interval(raw)
        corrected = _corrected(own, population)
        records.append(
            {
                "intervention": intervention_of(source),
                "source_language": source if intervention_of(source) == ABLATION else None,
                "target_language": language,
                "label": label,
                "n": len(own),
                "labels": round(population.labels),
                "concludes": min(len(own), population.labels) >= MIN_PROMPTS and corrected.value is not None,
                "refusal": rate(raw),
                "refusal_low": low,
                "refusal_high": high,
                **_named("corrected", corrected),
            }
        )
    return records


def _corrected(replies: Sequence[JudgedReply], population: Population) -> Estimate:
    """The share of refusals among replies of a kind. Those of which it is known need no correction."""
    unsure = [reply for reply in replies if not reply.is_known]
    called = sum(reply.is_called_refusal for reply in unsure)
    is_all_of_its_kind = len(unsure) == population.replies
    found = true_rate(population) if is_all_of_its_kind else corrected_rate(population, called, len(unsure))
    if found.value is None:
        return found
    declined = sum(reply.is_called_refusal for reply in replies) - called
    return Estimate(
        *((len(unsure) * share + declined) / len(replies) for share in (found.value, found.low, found.high))
    )


def _named(name: str, estimate: Estimate) -> dict[str, float | None]:
    told = asdict(estimate)
    known = estimate.value is not None
    return {
        name: told["value"],
        f"{name}_low": told["low"] if known else None,
        f"{name}_high": told["high"] if known else None,
    }
