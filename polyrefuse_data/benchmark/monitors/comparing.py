"""Any detector's scores beside the run's own: a guard's, or those of `polyrefuse monitor score`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.monitors.detectors import measured
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages.tags import code_of
from polyrefuse_data.rows import LABELS
from polyrefuse_data.sources.reading import read_records


def compare_detectors(
    run_folder: str | Path, files: Sequence[str | Path], field: str = "score"
) -> list[dict[str, Any]]:
    """One record per language and detector: those of the run, and one for each file of scores of its test prompts.

    A record of a file names its prompt by `id` and `language` and has a number in `field`; higher is more harmful.
    Raises ConfigError where a file does not score every test prompt of a language, or none.
    """
    folder = RunFolder(Path(run_folder))
    asked = store.read_json(folder.run)["test_prompts"]
    own = [{**record, "file": None} for record in store.read_json(folder.scores).get("detectors", [])]
    return own + [record for file in files for record in _of_file(Path(file), field, asked)]


def _of_file(path: Path, field: str, asked: dict[str, dict[str, list[str]]]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], float] = {}
    for record in read_records(path):
        value = record.fields.get(field)
        if not isinstance(value, int | float) or math.isnan(value):
            raise ConfigError(f"{record.where}: {field} is not a number: name the column with --field")
        found[code_of(record.string("language")) or "", record.string("id") or ""] = float(value)
    records = []
    for language, prompts in asked.items():
        keys = {label: [(language, prompt) for prompt in prompts[label]] for label in LABELS}
        wanted = [key for label in LABELS for key in keys[label]]
        if not any(key in found for key in wanted) or not all(keys.values()):
            continue
        if missing := [key for key in wanted if key not in found]:
            raise ConfigError(
                f"{path} scores {len(wanted) - len(missing)} of {len(wanted)} prompts in {language}: score all"
            )
        scores = {f"test_{label}": np.array([found[key] for key in keys[label]]) for label in LABELS}
        told = {"language": language, "detector": path.stem, "trained_on": None, "file": path.name}
        records.append({**told, **measured(scores), "curve": []})
    if not records:
        raise ConfigError(f"{path} scores no test prompt of the run: give each the `id` and `language` of its prompt")
    return records
