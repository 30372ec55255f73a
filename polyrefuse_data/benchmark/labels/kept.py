"""What each person said of which reply, as it is kept in the run folder."""

from __future__ import annotations

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.labels.sheet import LABELS
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.errors import ConfigError

Decisions = dict[str, dict[str, str]]  # annotator -> key of a reply -> label


def read_decisions(folder: RunFolder) -> Decisions:
    """The labels of everybody so far. Raises ConfigError for a file that holds something else."""
    if not folder.label_decisions.exists():
        return {}
    kept = store.read_json(folder.label_decisions)
    if not isinstance(kept, dict) or not all(
        isinstance(own, dict) and set(own.values()) <= set(LABELS) for own in kept.values()
    ):
        raise ConfigError(f"{folder.label_decisions} is not a table of labels: move it away and import them again")
    return kept
