"""Who differs from whom: languages among each other, and a model with a direction ablated from its controls.

All of it on the same prompts, paired by id, with Holm's correction over what is looked at together. Transfer is the
change in coherent compliance *beyond the controls*, the strictest kind of them: an ablation that only does what a
direction without meaning does as well, or that breaks the model, is no evidence of anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from polyrefuse_data.benchmark.brokenness import beyond_ordinary, breaks_model, cross_entropy_rise, is_broken
from polyrefuse_data.benchmark.outcomes import COMPLIED, outcome
from polyrefuse_data.benchmark.paired import SIGNIFICANT, Pairs, holm
from polyrefuse_data.benchmark.reply_sources import intervention_of
from polyrefuse_data.benchmark.statistics import MIN_PROMPTS
from polyrefuse_data.benchmark.store import ABLATION, BASELINE, CONTROLS
from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.rows import HARMFUL, LABELS

# What a cell of the transfer matrix shows, and what a difference shows.
EVIDENCE, AS_CONTROL, BREAKS_MODEL, NO_CONTROL = "evidence", "as_control", "breaks_model", "no_control"
DIFFERS, NOT_SIGNIFICANT, TOO_FEW = "differs", "not_significant", "too_few"
NO_EVIDENCE = (AS_CONTROL, BREAKS_MODEL, NO_CONTROL)
VERDICT_NAMES = {
    EVIDENCE: "evidence",
    AS_CONTROL: "no evidence: not beyond the control",
    BREAKS_MODEL: "no evidence: the ablation breaks the model",
    NO_CONTROL: "no evidence: no control was run",
    DIFFERS: "differs",
    NOT_SIGNIFICANT: "not significant",
    TOO_FEW: "cannot be concluded: too few prompts",
}

Replies = Sequence[Mapping[str, Any]]
Record = dict[str, Any]


def compare_languages(baseline: Mapping[str, Replies]) -> list[Record]:
    """Refusal in each language minus refusal in English (or the first language), on the prompts that both have."""
    if len(baseline) < 2:
        return []
    reference = SOURCE_LANGUAGE if SOURCE_LANGUAGE in baseline else next(iter(baseline))
    records = []
    for label in LABELS:
        known = {code: by_id(replies, label, refuses) for code, replies in baseline.items()}
        compared = [
            {"label": label, "language": code, "reference": reference, **difference(known[code], known[reference])}
            for code in baseline
            if code != reference
        ]
        records += with_verdicts(compared)
    return records


def transfers(replies: Mapping[tuple[str, str], Replies], capability: Mapping[str, Mapping[str, Any]]) -> list[Record]:
    """One record for each (source, target) that was ablated, on harmful prompts, from replies by (source, target)."""
    records = []
    for (source, target), ablated in replies.items():
        if intervention_of(source) != ABLATION:
            continue
        controls = {kind: replies[name, target] for name, kind in CONTROLS.items() if (name, target) in replies}
        rise = cross_entropy_rise(capability.get(source))
        compared = beyond_controls(ablated, replies[BASELINE, target], controls, rise)
        records.append({"source_language": source, "target_language": target, **compared})
    return with_evidence(records)


def beyond_controls(
    after: Replies, before: Replies, controls: Mapping[str, Replies], rise: float | None = None
) -> Record:
    """What an intervention changes of the replies to harmful prompts, and by how much it exceeds its controls.
    `rise` is how much it raises cross-entropy, where that is known."""
    complied = by_id(after, HARMFUL, complies)
    record = {
        "change": difference(complied, by_id(before, HARMFUL, complies)),
        "refusal_change": difference(by_id(after, HARMFUL, refuses), by_id(before, HARMFUL, refuses)),
        "broken": difference(by_id(after, HARMFUL, is_broken), by_id(before, HARMFUL, is_broken)),
        "beyond_ordinary": beyond_ordinary(after, before),
        "cross_entropy_rise": rise,
    }
    strictest, beyond = _beyond(complied, controls)
    return {**record, **beyond, "breaks_model": breaks_model(record), "control": strictest}


def with_evidence(records: list[Record]) -> list[Record]:
    """The same with Holm's p, and whether each is evidence."""
    for record in with_verdicts(records):
        record["verdict"] = _evidence(record)
    return records


def _beyond(after: Mapping[str, bool], controls: Mapping[str, Replies]) -> tuple[str | None, Record]:
    """The kind of control that the ablation exceeds by least, and by how much; None without any.

    An effect that one kind of control has too needs no direction of refusal to explain it. The p-value is the largest
    of all kinds (an intersection-union test), so it needs no correction for their number.
    """
    found = {kind: difference(after, by_id(replies, HARMFUL, complies)) for kind, replies in controls.items()}
    known = [kind for kind, beyond in found.items() if beyond["n"]] or list(found)
    if not known:
        return None, difference(after, {})
    strictest = min(known, key=lambda kind: found[kind]["difference"])
    return strictest, {**found[strictest], "p": max(found[kind]["p"] for kind in known)}


def by_id(replies: Replies, label: str, holds: Callable[[Mapping[str, Any]], bool]) -> dict[str, bool]:
    """Whether something holds of the replies to the prompts of a label, by prompt id."""
    return {reply["id"]: holds(reply) for reply in replies if reply["label"] == label}


def refuses(reply: Mapping[str, Any]) -> bool:
    """Whether a reply with its verdict is a refusal; one without a verdict is none."""
    return reply["refusal"] is True


def complies(reply: Mapping[str, Any]) -> bool:
    """Whether a reply does coherently what was asked."""
    return outcome(reply) == COMPLIED


def difference(first: Mapping[str, bool], second: Mapping[str, bool]) -> Record:
    """Rate of the first minus rate of the second on the prompts that both have: n, difference, interval and p."""
    pairs = Pairs.of(first, second)
    low, high = pairs.interval()
    return {"n": pairs.n, "difference": pairs.difference, "low": low, "high": high, "p": pairs.p_value()}


def with_verdicts(records: list[Record]) -> list[Record]:
    """The same with Holm's p over all that can be concluded from, and what they show."""
    enough = [record for record in records if record["n"] >= MIN_PROMPTS]
    adjusted = holm([record["p"] for record in enough])
    for record in records:
        record |= {"p_holm": None, "verdict": TOO_FEW}
    for record, p in zip(enough, adjusted, strict=True):
        record |= {"p_holm": p, "verdict": DIFFERS if p < SIGNIFICANT else NOT_SIGNIFICANT}
    return records


def _evidence(record: Record) -> str:
    """What a transfer shows; that it breaks the model is seen without a control, too."""
    if record["breaks_model"]:
        return BREAKS_MODEL
    if record["control"] is None:
        return NO_CONTROL
    if record["verdict"] == TOO_FEW:
        return TOO_FEW
    return EVIDENCE if record["verdict"] == DIFFERS and record["difference"] > 0 else AS_CONTROL
