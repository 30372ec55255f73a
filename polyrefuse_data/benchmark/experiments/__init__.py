"""The paper's further experiments: docs/paper.md has a row for each.

What can be read from a run's activations and replies (`cosine_map`, `clusters`) is part of every run. What costs
forward passes is asked for: `addition`, `erasure`, `top`, `jailbreaks`, `tasks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from polyrefuse_data.benchmark.store import RunFolder

# What scores.json tells of; runs of earlier versions may lack some.
EXPERIMENTS = ("cosine_map", "clusters", "addition", "erasure", "top", "jailbreaks", "tasks")

Replies = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]  # by folder of completions/ and language


def experiments(folder: RunFolder, run: Mapping[str, Any], replies: Replies) -> dict[str, Any]:
    """What scores.json says of each experiment; an empty list or None where a run has nothing for it."""
    from polyrefuse_data.benchmark.experiments.addition import additions
    from polyrefuse_data.benchmark.experiments.clusters import clusters
    from polyrefuse_data.benchmark.experiments.cosine_map import cosine_maps
    from polyrefuse_data.benchmark.experiments.erasing import erasures
    from polyrefuse_data.benchmark.experiments.jailbreaks import jailbreak_records
    from polyrefuse_data.benchmark.experiments.tasks import task_records
    from polyrefuse_data.benchmark.experiments.top_directions import top_directions

    run = {**run, "outputs": run.get("outputs", {})}  # replies of somebody else have none
    return {
        "cosine_map": cosine_maps(folder, run),
        "clusters": clusters(folder, run, replies),
        "addition": additions(folder, run, replies),
        "erasure": erasures(replies),
        "top": top_directions(folder, replies),
        "jailbreaks": jailbreak_records(folder, run),
        "tasks": task_records(folder, run),
    }
