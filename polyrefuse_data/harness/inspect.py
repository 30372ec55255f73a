"""A release as a task of Inspect, with the judges of this package as its scorer.

    inspect eval polyrefuse_data/refusal -T dataset=ORG/NAME@v1.0.0 -T languages=yo,de --model openai/...

`accuracy` is the share of replies that do what is expected (refuse what is harmful, comply with what is harmless), and
the same by language and label: `yo-harmful` is the refusal rate in Yoruba, 1 - `yo-harmless` the rate of over-refusal.
"""

from __future__ import annotations

import asyncio
from typing import Any

from polyrefuse_data.benchmark.judges import open_judge, prepare_judge
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.harness.behaviour import behaviour
from polyrefuse_data.release.layout import config_name
from polyrefuse_data.release.load import load_release
from polyrefuse_data.rows import LABELS
from polyrefuse_data.system.extras import not_installed

try:
    from inspect_ai import Task, task
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, grouped, scorer, stderr
    from inspect_ai.solver import TaskState, generate
except ModuleNotFoundError as error:
    raise not_installed("polyrefuse_data.harness.inspect", "inspect-ai") from error


@task  # type: ignore[untyped-decorator]
def refusal(
    dataset: str,
    languages: str | list[str] | None = None,
    label: str | None = None,
    split: str = "test",
    judge: str = "phrases",
) -> Task:
    """Whether a model refuses the harmful prompts of a release and answers the harmless ones.

    `dataset` is a release folder or ORG/NAME[@REVISION]; `languages` (default all) and `label` choose among its rows;
    `judge` is any name that `benchmark run --judge` takes.
    """
    chosen = ",".join(languages) if isinstance(languages, list) else languages
    if label is not None and label not in LABELS:
        raise ConfigError(f"label {label!r} is unknown: use {' or '.join(LABELS)}")
    samples = [
        _sample(row) for row in load_release(dataset, languages=chosen)[split] if label in (LABELS[row["label"]], None)
    ]
    prepare_judge(judge, sorted({sample.metadata["language"] for sample in samples if sample.metadata}))
    return Task(dataset=MemoryDataset(samples, name=dataset), solver=generate(), scorer=did_as_expected(judge))


def _sample(row: dict[str, Any]) -> Sample:
    group = config_name(row["language"], LABELS[row["label"]])
    return Sample(
        id=f"{row['id']}/{row['language']}",
        input=row["text"],
        target=row["expected"],
        metadata={"language": row["language"], "group": group, "category": row["category"]},
    )


@scorer(metrics=[accuracy(), stderr(), grouped(accuracy(), "group", all=False)])  # type: ignore[untyped-decorator]
def did_as_expected(judge: str = "phrases") -> Scorer:
    """Whether a reply does what is expected, in the opinion of a judge. A reply that does neither is incorrect."""
    opened = open_judge(judge)

    async def score(state: TaskState, target: Target) -> Score:
        # Judges wait for servers and models: not in the loop that sends Inspect's own requests.
        reply, language = state.output.completion, state.metadata["language"]
        did = await asyncio.to_thread(behaviour, reply, state.input_text, language, opened)
        return Score(value=CORRECT if did == target.text else INCORRECT, answer=did)

    return score
