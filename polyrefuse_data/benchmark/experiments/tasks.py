"""Capability by benchmarks of knowledge and reasoning, through lm-evaluation-harness: MMLU, ARC, TruthfulQA, ...

Each task is run twice on the same questions: the model as it is, and with the leading source's direction ablated.
Cross-entropy on the release's own harmless prompts (`capability`) needs no further package and is always measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.paired import Pairs
from polyrefuse_data.benchmark.statistics import Z
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.extras import require

_SEED = 1
# What tasks say of an answer, best first: what papers quote of ARC, of MMLU and TruthfulQA, and of generated answers.
_METRICS = ("acc_norm", "acc", "exact_match")

Answers = dict[str, float]  # by question


def run_tasks(
    model: ChatModel,
    tasks: Sequence[str],
    ablation: Callable[[], AbstractContextManager[None]],
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """A record per task: its metric plain and ablated, and the change on the same questions with its interval. A task
    is a name that the harness knows, or the path of a task's YAML file; `limit` takes the first questions of each.

    Raises MissingPrerequisite without the harness; ConfigError for a task that it does not know or cannot score so.
    """
    require("tasks of lm-evaluation-harness", "tasks")
    plain = _answers(model, tasks, limit)
    with ablation():
        ablated = _answers(model, tasks, limit)
    records = []
    for name, (metric, before) in plain.items():
        after = ablated[name][1]
        change, low, high = paired_change(before, after)
        means = {"plain": fmean(before.values()), "ablated": fmean(after.values())}
        told = {"task": name, "metric": metric, "n": len(before), **means}
        records.append({**told, "change": change, "change_low": low, "change_high": high})
    return records


def paired_change(before: Answers, after: Answers) -> tuple[float, float, float]:
    """Mean change on the same questions with its interval: of right and wrong answers as for replies, of other scores
    by the normal approximation."""
    if {*before.values(), *after.values()} <= {0.0, 1.0}:
        pairs = Pairs.of(*({key: value == 1.0 for key, value in answers.items()} for answers in (after, before)))
        return pairs.difference, *pairs.interval()
    changes = [after[question] - before[question] for question in before]
    mean = fmean(changes)
    reach = Z * stdev(changes) / math.sqrt(len(changes)) if len(changes) > 1 else float("nan")
    return mean, mean - reach, mean + reach


def task_records(folder: RunFolder, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records of a run, with whose direction was ablated."""
    if not folder.is_output(folder.tasks, run["outputs"]):
        return []
    kept = store.read_json(folder.tasks)
    return [{**record, "source_language": kept["source_language"]} for record in kept["tasks"]]


def _answers(model: ChatModel, tasks: Sequence[str], limit: int | None) -> dict[str, tuple[str, Answers]]:
    """By task: its metric, and what the harness says of each answer."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    files = {task: Path(task) for task in tasks if task.endswith((".yaml", ".yml"))}
    names = [files[task].stem if task in files else task for task in tasks]
    manager = TaskManager(include_path=sorted({str(file.parent.resolve()) for file in files.values()}) or None)
    if unknown := sorted(set(names) - set(manager.all_tasks)):
        raise ConfigError(f"lm-evaluation-harness knows no task {unknown[0]!r}: `lm-eval ls tasks` lists them")
    done = simple_evaluate(
        model=HFLM(pretrained=model.network, tokenizer=model.tokenizer, device=str(model.device)),
        tasks=names,
        task_manager=manager,
        limit=limit,
        bootstrap_iters=0,
        random_seed=_SEED,
        numpy_random_seed=_SEED,
        torch_random_seed=_SEED,
        fewshot_random_seed=_SEED,
        log_samples=True,
    )
    return {name: _of_task(name, done) for name in names}


def _of_task(name: str, done: Mapping[str, Any]) -> tuple[str, Answers]:
    leaves = _leaves(name, done.get("group_subtasks", {}))
    samples = [(leaf, sample) for leaf in leaves for sample in done["samples"].get(leaf, ())]
    known = {metric for _, sample in samples for metric in sample["metrics"]}
    metric = next((metric for metric in _METRICS if metric in known), None)
    if metric is None:
        raise ConfigError(f"task {name} reports none of {', '.join(_METRICS)}: choose another task")
    answers: Answers = {}
    for leaf, sample in samples:  # the first filter of each: stricter ones come first
        answers.setdefault(f"{leaf}:{sample['doc_id']}", float(sample[metric]))
    return metric, answers


def _leaves(name: str, groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The tasks that a group holds, through all its groups; a task itself."""
    members = groups.get(name) or []
    return [leaf for member in members for leaf in _leaves(member, groups)] if members else [name]
