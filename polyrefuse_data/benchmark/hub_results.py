"""Results of a run as the Hub shows them: `.eval_results/*.yaml` of a model's repository, `model-index` of its card.

Both are written by huggingface_hub's own types, so that they are what its parsers read. Values are percent, as on the
Hub's leaderboards; the dataset's task ids are those of a release's eval.yaml (`yo-harmful`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.store import BASELINE, RunFolder
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.release.layout import config_name
from polyrefuse_data.rows import HARMFUL
from polyrefuse_data.system.files import write_new

_IN_THE_WAY = "move it away, or choose another --out"
_METRIC = {True: "refusal_rate", False: "over_refusal_rate"}  # of harmful, and of harmless prompts
_METRIC_NAMES = {
    "refusal_rate": "refusal of harmful prompts (%)",
    "over_refusal_rate": "refusal of harmless prompts (%)",
}


def export_results(
    run_folder: str | Path,
    dataset_id: str,
    out: str | Path,
    *,
    revision: str | None = None,
    source_url: str | None = None,
) -> list[Path]:
    """Write `.eval_results/<dataset>.yaml` and `model-index.yaml` into `out`, to be put in the model's repository.

    `dataset_id` is the release on the Hub (ORG/NAME), `revision` its commit or tag (default: the release's version as
    its tag). Raises ConfigError for an id that is none, a run without replies, or another file in the way.
    """
    scores = store.read_json(RunFolder(Path(run_folder)).scores)
    if dataset_id.count("/") != 1 or not all(dataset_id.split("/")):
        raise ConfigError(f"{dataset_id!r} is not a dataset on the Hub: write ORG/NAME")
    rows = [
        row
        for row in scores["rows"]
        if row["intervention"] == BASELINE and row["subset"] == "all" and row["n"] and row["refusal"] is not None
    ]
    if not rows:
        raise ConfigError(f"{run_folder} holds no judged replies: run the benchmark again")
    at = revision or f"v{scores['run']['dataset']['version']}"
    entries = Path(out) / ".eval_results" / f"{dataset_id.split('/')[1]}.yaml"
    index = Path(out) / "model-index.yaml"
    write_new(entries, _yaml(_entries(rows, dataset_id, at, source_url)), _IN_THE_WAY)
    write_new(index, _yaml({"model-index": _index(scores, rows, dataset_id, at, source_url)}), _IN_THE_WAY)
    return [entries, index]


def _entries(
    rows: list[dict[str, Any]], dataset_id: str, revision: str, source_url: str | None
) -> list[dict[str, Any]]:
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    return eval_result_entries_to_yaml(
        [
            EvalResultEntry(
                dataset_id=dataset_id,
                task_id=config_name(row["target_language"], row["label"]),
                value=_percent(row),
                dataset_revision=revision,
                source_url=source_url,
                notes=f"{_METRIC_NAMES[_metric(row)]}, {_notes(row)}",
            )
            for row in rows
        ]
    )


def _index(
    scores: Mapping[str, Any], rows: list[dict[str, Any]], dataset_id: str, revision: str, source_url: str | None
) -> list[dict[str, Any]]:
    from huggingface_hub import EvalResult
    from huggingface_hub.repocard_data import eval_results_to_model_index

    run = scores["run"]
    results = [
        EvalResult(
            task_type="text-generation",
            task_name=f"refusal, {row['target_language']} {row['label']}",
            dataset_type=dataset_id,
            dataset_name=f"{run['dataset']['name']} {run['dataset']['version']}",
            dataset_config=config_name(row["target_language"], row["label"]),
            dataset_split="test",
            dataset_revision=revision,
            metric_type=_metric(row),
            metric_name=f"{_METRIC_NAMES[_metric(row)]}, {_notes(row)}",
            metric_value=_percent(row),
            source_name="polyrefuse-data" if source_url else None,
            source_url=source_url,
        )
        for row in rows
    ]
    return eval_results_to_model_index(run["model"]["model"], results)


def _metric(row: Mapping[str, Any]) -> str:
    return _METRIC[row["label"] == HARMFUL]


def _percent(row: Mapping[str, Any]) -> float:
    return round(100 * float(row["refusal"]), 2)


def _notes(row: Mapping[str, Any]) -> str:
    """What a number must not be told without: its interval, n and judge."""
    low, high = 100 * row["refusal_low"], 100 * row["refusal_high"]
    return f"95% interval {low:.0f} to {high:.0f}, n={row['n']}, judge {row['judge']}"


def _yaml(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)
    return text
