"""Results as the Hub shows them, read back with huggingface_hub's own parsers."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries

from polyrefuse_data.benchmark.hub_results import export_results
from polyrefuse_data.benchmark.store import read_json
from polyrefuse_data.errors import ConfigError
from tests.faults.launcher import Call


def test_what_is_written_is_what_the_hub_reads(small_run: Path, tmp_path: Path) -> None:
    entries, index = export_results(small_run, "org/poly", tmp_path, source_url="https://example.org/run")
    assert entries == tmp_path / ".eval_results" / "poly.yaml"
    parsed = parse_eval_result_entries(yaml.safe_load(entries.read_text(encoding="utf-8")))
    values = {entry.task_id: entry.value for entry in parsed}
    assert values == {"en-harmful": 100.0, "en-harmless": 0.0, "de-harmful": 100.0, "de-harmless": 0.0}
    for entry in parsed:
        assert (entry.dataset_id, entry.dataset_revision) == ("org/poly", "v1.2.3")
        assert entry.notes is not None and "n=6" in entry.notes and "judge phrases" in entry.notes
    card = ModelCard(f"---\n{index.read_text(encoding='utf-8')}---\n# A model\n")
    rows = [row for row in read_json(small_run / "scores.json")["rows"] if row["intervention"] == "baseline"]
    found = {(result.dataset_config, result.metric_type): result.metric_value for result in card.data.eval_results}
    assert found == {
        (f"{row['target_language']}-{row['label']}", metric): 100 * row["refusal"]
        for row in rows
        for metric in ["refusal_rate" if row["label"] == "harmful" else "over_refusal_rate"]
    }


def test_what_is_no_dataset_is_refused(small_run: Path, tmp_path: Path, polyrefuse: Call) -> None:
    with pytest.raises(ConfigError, match="is not a dataset on the Hub: write ORG/NAME"):
        export_results(small_run, "poly", tmp_path)
    done = polyrefuse("benchmark", "export", small_run, "--dataset-id", "org/poly", "--out", tmp_path, "--json")
    assert done.returncode == 0 and '"model_index"' in done.stdout
