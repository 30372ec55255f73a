"""Releases in the harnesses of others: a task module of Inspect, task files for lm-evaluation-harness and lighteval.

This package needs none of them: each part imports its harness itself, and says how to install it.
"""

from __future__ import annotations

from pathlib import Path

from polyrefuse_data.errors import ConfigError


def write_tasks(harness: str, where: str, out: Path, judge: str = "phrases", *, keep: bool = True) -> list[str]:
    """Write the task files of a harness for a release into the new folder `out`, and return the names of the tasks.

    Raises ConfigError for a harness that takes none, and what its own module raises.
    """
    from polyrefuse_data.harness import lighteval, lm_eval

    writers = {"lm-eval": lm_eval.write_tasks, "lighteval": lighteval.write_tasks}
    if harness not in writers:
        raise ConfigError(
            f"no task files for {harness!r}, only for {' and '.join(writers)}; Inspect needs none: "
            f"`inspect eval polyrefuse_data/refusal -T dataset={where}`"
        )
    return writers[harness](where, out, judge, keep=keep)
