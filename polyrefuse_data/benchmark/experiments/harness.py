"""Tasks of lm-evaluation-harness: found, and their questions fetched, before a run spends hours on anything else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ConfigError, MissingPrerequisite
from polyrefuse_data.system.extras import require
from polyrefuse_data.system.input_files import read_input_text, reason
from polyrefuse_data.system.redaction import one_line

_SUFFIXES = (".yaml", ".yml")
# The name that a task's file gives it. Its YAML has tags (!function) that only the harness can read.
_NAMED = [re.compile(rf"^{key}[ \t]*:[ \t]*[\"']?([\w./-]+)", re.MULTILINE) for key in ("group", "task")]


@dataclass(frozen=True)
class Tasks:
    """Tasks by their names in the harness, and the harness's manager that knows them."""

    names: list[str]
    manager: Any


def find_tasks(tasks: Sequence[str]) -> Tasks:
    """Each task is a name that the harness knows, or the path of a task's YAML file.

    Raises MissingPrerequisite without the harness, or where a task's questions cannot be fetched; ConfigError for a
    task that it does not know.
    """
    files = {task: Path(task) for task in tasks if task.endswith(_SUFFIXES)}
    names = [_name_in(files[task]) if task in files else task for task in tasks]
    require("tasks of lm-evaluation-harness", "tasks")
    from lm_eval.tasks import TaskManager, get_task_dict

    manager = TaskManager(include_path=sorted({str(file.parent.resolve()) for file in files.values()}) or None)
    if unknown := sorted(set(names) - set(manager.all_tasks)):
        raise ConfigError(f"lm-evaluation-harness has no task {unknown[0]!r}: `lm-eval ls tasks` lists them")
    for name in names:
        try:
            get_task_dict([name], manager)
        except Exception as error:
            raise MissingPrerequisite(
                f"the questions of task {name} cannot be loaded ({one_line(str(error)) or type(error).__name__}): they "
                "are fetched from the Hub once, so run this where it can be reached, or leave the task out"
            ) from error
    return Tasks(names, manager)


def _name_in(file: Path) -> str:
    """The name of the task or group that a file describes."""
    try:
        text = read_input_text(file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--tasks: {file} cannot be read ({reason(error)})") from error
    for pattern in _NAMED:
        if found := pattern.search(text):
            return found[1]
    raise ConfigError(f"--tasks: {file} names no task: add a line `task: NAME`")
