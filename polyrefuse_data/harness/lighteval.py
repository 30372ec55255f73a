"""A task file of lighteval for a release: `polyrefuse:<language>-<label>` for each, `polyrefuse` for all of them.

    polyrefuse export harness lighteval rel --out tasks
    lighteval endpoint litellm "model_name=..." polyrefuse --custom-tasks tasks/polyrefuse_tasks.py

`as_expected` is the share of replies that do what is expected. The file needs this package beside lighteval, and this
package needs no lighteval: what is its own is imported when it reads the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from polyrefuse_data.benchmark.judges import open_judge
from polyrefuse_data.harness.behaviour import behaviour
from polyrefuse_data.harness.measured import GROUP, MOST_TOKENS, measured
from polyrefuse_data.release.eval_tasks import SPLIT
from polyrefuse_data.release.schema import EXPECTED
from polyrefuse_data.release.staging import staged_folder

METRIC = "as_expected"
TASK_FILE = "polyrefuse_tasks.py"

_FILE = '''\
"""Tasks on {path} {version}, scored with a judge of polyrefuse-data."""

from polyrefuse_data.harness.lighteval import task_table

TASKS_TABLE = task_table({path!r}, {revision!r}, {configs!r}, judge={judge!r})
'''


def write_tasks(where: str, out: Path, judge: str = "phrases", *, keep: bool = True) -> list[str]:
    """Write the task file of the release `where` (a folder, or ORG/NAME[@REVISION]) into the new folder `out`. Without
    `keep`, nothing is left there. Returns the names of the tasks. Raises what `measured` raises, and ReleaseError if
    `out` is not empty."""
    release = measured(where, judge)
    text = _FILE.format(
        path=release.path, version=release.version, revision=release.revision, configs=release.configs, judge=judge
    )
    with staged_folder(out, keep=keep) as folder:
        (folder / TASK_FILE).write_text(text, encoding="utf-8", newline="\n")
    return [_name(config) for config in release.configs]


def _name(config: str) -> str:
    return f"{GROUP}:{config}"


def task_table(path: str, revision: str | None, configs: Sequence[str], judge: str) -> list[Any]:
    """What lighteval looks for in a task file: a LightevalTaskConfig for each config of the release."""
    import numpy as np
    from lighteval.metrics.metrics_sample import SampleLevelComputation
    from lighteval.metrics.utils.metric_utils import SampleLevelMetric
    from lighteval.tasks.lighteval_task import LightevalTaskConfig
    from lighteval.tasks.requests import Doc, SamplingMethod

    opened = open_judge(judge)

    class AsExpected(SampleLevelComputation):  # type: ignore[misc]
        def compute(self, doc: Any, model_response: Any, **_: Any) -> float:
            asked = doc.specific
            did = behaviour(model_response.final_text[0], asked["text"], asked["language"], opened)
            return float(did == asked[EXPECTED])

        def __str__(self) -> str:  # lighteval writes it into its results
            return f"{METRIC} (judge {judge})"

    def prompt(row: dict[str, Any], task_name: str = "") -> Any:
        asked = {name: row[name] for name in ("text", "language", EXPECTED)}
        return Doc(query=row["text"], choices=[row[EXPECTED]], gold_index=0, task_name=task_name, specific=asked)

    metric = SampleLevelMetric(
        metric_name=METRIC,
        sample_level_fn=AsExpected(),
        category=SamplingMethod.GENERATIVE,
        corpus_level_fn=np.mean,
        higher_is_better=True,
    )
    return [
        LightevalTaskConfig(
            name=_name(config),
            prompt_function=prompt,
            hf_repo=path,
            hf_subset=config,
            hf_revision=revision,
            hf_avail_splits=[SPLIT],
            evaluation_splits=[SPLIT],
            metrics=[metric],
            generation_size=MOST_TOKENS,
            stop_sequence=[],
        )
        for config in configs
    ]
