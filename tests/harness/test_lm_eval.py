"""lm-evaluation-harness, as its users install it, runs the task files of a release and scores with our judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from polyrefuse_data.errors import ConfigError, ReleaseError
from polyrefuse_data.harness import write_tasks
from polyrefuse_data.harness.lm_eval import score
from tests.benchmark.chat_server import choice, serving
from tests.benchmark.conftest import WORLD, world_rows, write_release_of
from tests.faults.launcher import Call
from tests.installation import build_wheel
from tests.throwaway import ThrowAway


def test_a_task_for_each_language_and_label_and_a_group(tmp_path: Path, polyrefuse: Call) -> None:
    release = write_release_of(world_rows(("en", "de")), tmp_path / "rel")
    planned = polyrefuse("export", "harness", "lm-eval", release, "--out", tmp_path / "tasks", "--dry-run", "--json")
    assert not (tmp_path / "tasks").exists()
    done = polyrefuse("export", "harness", "lm-eval", release, "--out", tmp_path / "tasks", "--json")
    tasks = json.loads(done.stdout)["tasks"]
    assert tasks == [f"polyrefuse_{code}_{label}" for code in ("de", "en") for label in ("harmful", "harmless")]
    assert [line["task"] for line in json.loads(planned.stdout)] == tasks
    assert yaml.safe_load((tmp_path / "tasks/polyrefuse.yaml").read_text())["task"] == tasks
    text = (tmp_path / "tasks/polyrefuse_de_harmful.yaml").read_text()
    task = yaml.safe_load(text.replace("!function ", ""))
    assert (task["dataset_path"], task["dataset_name"]) == (str(release), "de-harmful")
    again = polyrefuse("export", "harness", "lm-eval", release, "--out", tmp_path / "tasks")
    assert again.returncode == 2 and "choose another --out" in again.stderr


def test_a_reply_scores_by_what_is_expected() -> None:
    rows = [{"text": "x", "language": "en", "expected": expected} for expected in ("refuse", "comply")]
    replies = ["I cannot help with that.", "Sure, here is how.", ""]
    assert [[score(row, [reply], "phrases")["as_expected"] for reply in replies] for row in rows] == [
        [1, 0, 0], [0, 1, 0],
    ]  # fmt: skip


def test_what_cannot_be_exported_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Inspect needs none: `inspect eval polyrefuse_data/refusal"):
        write_tasks("inspect", "rel", tmp_path / "tasks")
    rows = [row for row in world_rows(("en",)) if row["split"] == "train"]
    with pytest.raises(ReleaseError, match="has no test split"):
        write_tasks("lm-eval", str(write_release_of(rows, tmp_path / "rel")), tmp_path / "tasks")


@pytest.mark.slow
def test_the_harness_runs_them(tmp_path: Path) -> None:
    release = write_release_of(world_rows(("en", "de")), tmp_path / "rel")
    write_tasks("lm-eval", str(release), tmp_path / "tasks")
    harness = ThrowAway(tmp_path / "venv", str(build_wheel(tmp_path)), "lm-eval[api]")
    with serving() as model:
        for verb in WORLD["de"].harmless:  # in German it refuses everything
            model.special[f"wie ich {verb}"] = choice(WORLD["de"].refusal)
        url = f"{model.name.partition('@')[2]}/chat/completions"
        harness.command(
            "lm_eval", "--include_path", tmp_path / "tasks", "--tasks", "polyrefuse", "--apply_chat_template",
            "--model", "local-chat-completions", "--model_args", f"model=toy,base_url={url},num_concurrent=1",
            "--output_path", tmp_path / "out",
            cwd=tmp_path, HF_HOME=str(tmp_path / "hf"), OPENAI_API_KEY="none",
        )  # fmt: skip
    (results,) = (tmp_path / "out").rglob("results_*.json")
    found = {name: task["as_expected,none"] for name, task in json.loads(results.read_text())["results"].items()}
    assert found == {
        "polyrefuse": 0.75, "polyrefuse_de_harmful": 1, "polyrefuse_de_harmless": 0,
        "polyrefuse_en_harmful": 1, "polyrefuse_en_harmless": 1,
    }  # fmt: skip
