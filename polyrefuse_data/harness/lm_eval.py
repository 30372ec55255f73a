"""Task files of lm-evaluation-harness for a release: one task for each language and label, and a group of all.

    polyrefuse export harness lm-eval rel --out tasks
    lm_eval --include_path tasks --tasks polyrefuse --model local-chat-completions --apply_chat_template ...

`as_expected` is the share of replies that do what is expected. The tasks read the release by its place, folder or Hub,
and score with a judge of this package, which has to be installed beside the harness.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from polyrefuse_data.benchmark.judges import Judge, open_judge
from polyrefuse_data.harness.behaviour import behaviour
from polyrefuse_data.harness.measured import GROUP, MOST_TOKENS, Measured, measured
from polyrefuse_data.release.eval_tasks import SPLIT
from polyrefuse_data.release.schema import EXPECTED
from polyrefuse_data.release.staging import staged_folder

_SCORING = '''\
"""Scores replies with a judge of polyrefuse-data."""

from polyrefuse_data.harness.lm_eval import score


def as_expected(doc, results):
    return score(doc, results, judge={judge!r})
'''


def write_tasks(where: str, out: Path, judge: str = "phrases", *, keep: bool = True) -> list[str]:
    """Write the task files of the release `where` (a folder, or ORG/NAME[@REVISION]) into the new folder `out`. Without
    `keep`, nothing is left there. Returns the names of the tasks. Raises what `measured` raises, and ReleaseError if
    `out` is not empty.
    """
    import yaml

    release = measured(where, judge)
    with staged_folder(out, keep=keep) as folder:
        names = []
        for config in release.configs:
            names.append(f"{GROUP}_{config.replace('-', '_')}")
            # The scoring is a Python function beside the file, which YAML cannot say without a tag of the harness.
            text = yaml.safe_dump(_task(names[-1], release, config), sort_keys=False, allow_unicode=True)
            _write(folder / f"{names[-1]}.yaml", f"{text}process_results: !function scoring.as_expected\n")
        averages = [{"metric": "as_expected", "weight_by_size": True}]
        group = {"group": GROUP, "task": names, "aggregate_metric_list": averages}
        _write(folder / f"{GROUP}.yaml", yaml.safe_dump(group, sort_keys=False))
        _write(folder / "scoring.py", _SCORING.format(judge=judge))
    return names


def score(doc: Mapping[str, Any], results: Sequence[str], judge: str) -> dict[str, float]:
    """What the harness calls for each reply."""
    return {"as_expected": float(behaviour(results[0], doc["text"], doc["language"], _opened(judge)) == doc[EXPECTED])}


@functools.cache
def _opened(judge: str) -> Judge:
    return open_judge(judge)


def _task(name: str, release: Measured, config: str) -> dict[str, Any]:
    return {
        "task": name,
        "dataset_path": release.path,
        **({"dataset_kwargs": {"revision": release.revision}} if release.revision else {}),
        "dataset_name": config,
        "test_split": SPLIT,
        "output_type": "generate_until",
        "doc_to_text": "{{text}}",
        "doc_to_target": f"{{{{{EXPECTED}}}}}",
        "generation_kwargs": {"until": [], "do_sample": False, "max_gen_toks": MOST_TOKENS},
        "metric_list": [{"metric": "as_expected", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": release.version},
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
