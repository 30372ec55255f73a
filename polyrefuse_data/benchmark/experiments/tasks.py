"""Capability by benchmarks of knowledge and reasoning, through lm-evaluation-harness: MMLU, ARC, TruthfulQA, ...

Each task is run twice on the same questions: the model as it is, and with the leading source's direction ablated.
Cross-entropy on the release's own harmless prompts (`capability`) needs no further package and is always measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from statistics import fmean, stdev
from typing import Any

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.contrasts import with_verdicts
from polyrefuse_data.benchmark.experiments.harness import Tasks, find_tasks
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.paired import Pairs
from polyrefuse_data.benchmark.statistics import Z
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.errors import ConfigError

_SEED = 1
_BATCH = 8  # questions at a time: a batch of MMLU's still fits beside the weights
# What tasks say of an answer, best first: what papers quote of ARC, of MMLU and TruthfulQA, and of generated answers.
_METRICS = ("acc_norm", "acc", "exact_match")

Answers = dict[str, float]  # by question


def run_tasks(
    model: ChatModel,
    tasks: Sequence[str],
    ablation: Callable[[], AbstractContextManager[None]],
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """A record per task: its metric plain and ablated, and the change on the same questions with its interval and what
    it shows (Holm over the tasks). `limit` takes the first questions of each task.

    Raises as `find_tasks` does; ConfigError for a task that cannot be scored so.
    """
    found = find_tasks(tasks)
    plain = _answers(model, found, limit)
    with ablation():
        ablated = _answers(model, found, limit)
    records = []
    for name, (metric, before) in plain.items():
        after = ablated[name][1]
        means = {"plain": fmean(before.values()), "ablated": fmean(after.values())}
        told = {"task": name, "metric": metric, "n": len(before), **means}
        records.append({**told, **paired_change(before, after)})
    return with_verdicts(records)


def paired_change(before: Answers, after: Answers) -> dict[str, float]:
    """Mean change on the same questions with its interval and p: of right and wrong answers as for replies, of other
    scores by the normal approximation."""
    if {*before.values(), *after.values()} <= {0.0, 1.0}:
        pairs = Pairs.of(*({key: value == 1.0 for key, value in answers.items()} for answers in (after, before)))
        low, high = pairs.interval()
        return {"change": pairs.difference, "change_low": low, "change_high": high, "p": pairs.p_value()}
    changes = [after[question] - before[question] for question in before]
    mean = fmean(changes)
    error = stdev(changes) / math.sqrt(len(changes)) if len(changes) > 1 else float("nan")
    low, high = mean - Z * error, mean + Z * error
    p = math.erfc(abs(mean) / error / math.sqrt(2)) if error else float(mean == 0)
    return {"change": mean, "change_low": low, "change_high": high, "p": p}


def task_records(folder: RunFolder, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records of a run, with whose direction was ablated."""
    if not folder.is_output(folder.tasks, run["outputs"]):
        return []
    kept = store.read_json(folder.tasks)
    return [{**record, "source_language": kept["source_language"]} for record in kept["tasks"]]


def _answers(model: ChatModel, tasks: Tasks, limit: int | None) -> dict[str, tuple[str, Answers]]:
    """By task: its metric, and what the harness says of each answer."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    batch = _BATCH if model.pads else 1
    done = simple_evaluate(
        model=HFLM(pretrained=model.network, tokenizer=model.tokenizer, device=str(model.device), batch_size=batch),
        tasks=tasks.names,
        task_manager=tasks.manager,
        limit=limit,
        bootstrap_iters=0,
        random_seed=_SEED,
        numpy_random_seed=_SEED,
        torch_random_seed=_SEED,
        fewshot_random_seed=_SEED,
        log_samples=True,
    )
    return {name: _of_task(name, done) for name in tasks.names}


def _of_task(name: str, done: Mapping[str, Any]) -> tuple[str, Answers]:
    leaves = _leaves(name, done.get("group_subtasks", {}))
    samples = [(leaf, sample) for leaf in leaves for sample in done["samples"].get(leaf, ())]
    reported = [set(sample["metrics"]) for _, sample in samples]
    common = set.intersection(*reported) if reported else set()  # the tasks of a group may differ
    metric = next((metric for metric in _METRICS if metric in common), None)
    if metric is None:
        raise ConfigError(f"task {name} reports none of {', '.join(_METRICS)} for every question: choose another task")
    answers: Answers = {}
    for leaf, sample in samples:  # the first filter of each: stricter ones come first
        answers.setdefault(f"{leaf}:{sample['doc_id']}", float(sample[metric]))
    return metric, answers


def _leaves(name: str, groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The tasks that a group holds, through all its groups; a task itself."""
    members = groups.get(name) or []
    return [leaf for member in members for leaf in _leaves(member, groups)] if members else [name]
