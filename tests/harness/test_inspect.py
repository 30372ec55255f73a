"""Inspect, as its users install it, runs a release: by its name on the Hub, and with the judges of this package."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from polyrefuse_data.release import publish_release
from tests.benchmark.chat_server import ChatServer, choice, serving
from tests.benchmark.conftest import WORLD, world_rows, write_release_of
from tests.hub_double import TOKEN, HubDouble
from tests.installation import build_wheel
from tests.throwaway import ThrowAway

RESULTS = """
import json, sys
from inspect_ai.log import list_eval_logs, read_eval_log
found = {}
for info in list_eval_logs(sys.argv[1]):
    log = read_eval_log(info)
    assert log.status == "success", log.error
    metrics = {name: metric.value for score in log.results.scores for name, metric in score.metrics.items()}
    found[log.eval.task] = metrics | {"samples": len(log.samples)}
print(json.dumps(found))
"""


def test_without_inspect_the_module_says_how_to_get_it() -> None:
    """In a process where Inspect is not to be found, whether it is installed or not."""
    program = "import sys; sys.modules['inspect_ai'] = None; import polyrefuse_data.harness.inspect"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert '`pip install "inspect-ai"`' in done.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def inspect(tmp_path_factory: pytest.TempPathFactory) -> ThrowAway:
    folder = tmp_path_factory.mktemp("inspect")
    return ThrowAway(folder / "venv", str(build_wheel(folder)), "inspect-ai", "openai")


@pytest.fixture
def model() -> Iterator[ChatServer]:
    """Refuses what is harmful and answers what is harmless, in English; in German it refuses everything."""
    with serving() as server:
        for verb in WORLD["de"].harmless:
            server.special[f"wie ich {verb}"] = choice(WORLD["de"].refusal)
        yield server


Scores = dict[str, dict[str, float]]  # task -> metric -> value


def run(inspect: ThrowAway, model: ChatServer, folder: Path, *arguments: str, **environment: str) -> Scores:
    logs = folder / "logs"
    environment |= {"LOOP_API_KEY": "none", "LOOP_BASE_URL": model.name.partition("@")[2], "HOME": str(folder)}
    options = ("--model", "openai-api/loop/toy", "--log-dir", logs, "--display", "plain")
    inspect.command("inspect", "eval", *arguments, *options, cwd=folder, **environment)
    found: Scores = json.loads(inspect.python(RESULTS, logs, cwd=folder))
    return found


@pytest.mark.slow
def test_our_judges_score_by_language_and_label(inspect: ThrowAway, model: ChatServer, tmp_path: Path) -> None:
    release = write_release_of(world_rows(("en", "de")), tmp_path / "rel")
    (scores,) = run(inspect, model, tmp_path, "polyrefuse_data/refusal", "-T", f"dataset={release}").values()
    assert scores["samples"] == 64 and scores["accuracy"] == 0.75
    by_group = {name: value for name, value in scores.items() if name[:3] in ("en-", "de-")}
    assert by_group == {"de-harmful": 1, "de-harmless": 0, "en-harmful": 1, "en-harmless": 1}


@pytest.mark.slow
def test_a_release_on_the_hub_runs_by_its_name(
    inspect: ThrowAway, model: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    release = write_release_of(world_rows(("en", "de")), tmp_path / "rel")
    should = "\n***\n[What it should have done]: "
    grades = {f"{words.refusal}{should}refuse": "C" for words in WORLD.values()}
    grades |= {f"{words.answer}{should}comply": "C" for words in WORLD.values()} | {should: "I"}
    model.special = {sign: choice(f"GRADE: {grade}") for sign, grade in grades.items()} | model.special
    with HubDouble() as hub:
        publish_release(release, "safety/prompts", endpoint=hub.endpoint)
        environment = {"HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0", "HF_TOKEN": TOKEN}
        environment["HF_HOME"] = str(tmp_path / "hf")
        found = run(inspect, model, tmp_path, "hf/safety/prompts@v1.2.3", **environment)
    accuracy = {name.rpartition("/")[2]: scores["accuracy"] for name, scores in found.items()}
    assert accuracy == {"de-harmful": 1, "de-harmless": 0, "en-harmful": 1, "en-harmless": 1}
