"""lighteval, as its users install it, runs the task file of a release and scores with our judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.harness import write_tasks
from polyrefuse_data.harness.lighteval import TASK_FILE
from tests.benchmark.chat_server import choice, serving
from tests.benchmark.conftest import WORLD, world_rows, write_release_of
from tests.faults.launcher import Call
from tests.installation import build_wheel
from tests.throwaway import ThrowAway

# lighteval 0.13.0 calls what later versions of these have changed.
PACKAGES = ("lighteval==0.13.0", "litellm[caching]<1.81", "huggingface_hub<2", "xxhash<4")
TASKS = [f"polyrefuse:{code}-{label}" for code in ("de", "en") for label in ("harmful", "harmless")]


def test_one_file_with_a_task_for_each_language_and_label(tmp_path: Path, polyrefuse: Call) -> None:
    """Of a folder, its place; the file is Python that says nothing but where, which and who judges."""
    release = write_release_of(world_rows(("en", "de")), tmp_path / "rel")
    planned = polyrefuse("export", "harness", "lighteval", release, "--out", tmp_path / "tasks", "--dry-run", "--json")
    assert not (tmp_path / "tasks").exists()
    done = polyrefuse("export", "harness", "lighteval", release, "--out", tmp_path / "tasks", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tasks"] == [line["task"] for line in json.loads(planned.stdout)] == TASKS
    assert [path.name for path in (tmp_path / "tasks").iterdir()] == [TASK_FILE]
    text = (tmp_path / "tasks" / TASK_FILE).read_text()
    compile(text, TASK_FILE, "exec")
    configs = tuple(task.partition(":")[2] for task in TASKS)
    assert f"task_table({str(release)!r}, None, {configs!r}, judge='phrases')" in text


def test_what_cannot_be_measured_is_named(tmp_path: Path) -> None:
    rows = [row for row in world_rows(("en",)) if row["split"] == "train"]
    with pytest.raises(ReleaseError, match="has no test split"):
        write_tasks("lighteval", str(write_release_of(rows, tmp_path / "rel")), tmp_path / "tasks")


@pytest.mark.slow
def test_the_harness_runs_them(tmp_path: Path) -> None:
    release = write_release_of(world_rows(("en", "de")), tmp_path / "rel")
    write_tasks("lighteval", str(release), tmp_path / "tasks")
    harness = ThrowAway(tmp_path / "venv", str(build_wheel(tmp_path)), *PACKAGES, sees_ours=True)
    # One of its own tasks, which is not asked for, fetches this file from the web when lighteval starts without it.
    (built_in,) = (tmp_path / "venv").glob("lib/python*/site-packages/lighteval/tasks/tasks")
    (built_in / "tinyBenchmarks.pkl").touch()
    with serving() as model:
        for verb in WORLD["de"].harmless:  # in German it refuses everything
            model.special[f"wie ich {verb}"] = choice(WORLD["de"].refusal)
        url = model.name.partition("@")[2]
        harness.command(
            "lighteval", "endpoint", "litellm", f"provider=openai,model_name=openai/toy,base_url={url},api_key=none",
            "polyrefuse", "--custom-tasks", tmp_path / "tasks" / TASK_FILE, "--output-dir", tmp_path / "out",
            cwd=tmp_path, HOME=str(tmp_path), HF_HOME=str(tmp_path / "hf"), HF_HUB_OFFLINE="1",
            LITELLM_LOCAL_MODEL_COST_MAP="True",
        )  # fmt: skip
    (results,) = (tmp_path / "out").rglob("results_*.json")
    found = {name: task["as_expected"] for name, task in json.loads(results.read_text())["results"].items()}
    assert {name.split("|")[0]: value for name, value in found.items() if name.startswith("polyrefuse:")} == {
        "polyrefuse:de-harmful": 1, "polyrefuse:de-harmless": 0, "polyrefuse:en-harmful": 1,
        "polyrefuse:en-harmless": 1, "polyrefuse:_average": 0.75,
    }  # fmt: skip
