"""Runs against each other: models, or versions of one, on the prompts that both answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.contrasts import by_id, difference, refuses, with_verdicts
from polyrefuse_data.benchmark.statistics import MIN_PROMPTS, rate, rate_interval
from polyrefuse_data.benchmark.store import BASELINE, RunFolder
from polyrefuse_data.rows import LABELS

Replies = Sequence[Mapping[str, Any]]


def compare_runs(runs: Mapping[str, Mapping[str, Replies]]) -> list[dict[str, Any]]:
    """Refusal without intervention in each run minus that in the first, by label and language, from replies by run and
    language. Paired by prompt id; Holm over all records of a label.

    `same_judge` says whether one judge has judged both: otherwise a difference may be the judges'.
    """
    reference = next(iter(runs))
    records = []
    for label in LABELS:
        compared = []
        for name, replies in runs.items():
            if name == reference:
                continue
            for language in [code for code in runs[reference] if code in replies]:
                one, other = replies[language], runs[reference][language]
                found = difference(by_id(one, label, refuses), by_id(other, label, refuses))
                judges = {reply["judge"] for reply in (*one, *other)}
                told = {"run": name, "reference": reference, "label": label, "language": language}
                compared.append({**told, **found, "same_judge": len(judges) == 1})
        records += with_verdicts([record for record in compared if record["n"]])
    return records


def rates_of_runs(runs: Mapping[str, Mapping[str, Replies]]) -> list[dict[str, Any]]:
    """Refusal without intervention by run, label and language, with Wilson intervals."""
    records = []
    for name, by_language in runs.items():
        for language, replies in by_language.items():
            for label in LABELS:
                refused = [refuses(reply) for reply in replies if reply["label"] == label]
                low, high = rate_interval(refused)
                told = {"run": name, "language": language, "label": label, "n": len(refused)}
                rates = {"refusal": rate(refused), "refusal_low": low, "refusal_high": high}
                records.append({**told, **rates, "concludes": len(refused) >= MIN_PROMPTS})
    return records


def baseline_replies(folder: RunFolder) -> dict[str, Replies]:
    """The replies of a run without intervention, by language, with their verdicts."""
    return {
        language: store.read_completions(path).select(["id", "label", "refusal", "judge"]).to_pylist()
        for source, language, path in folder.completion_files()
        if source == BASELINE
    }
