"""Runs on a model behind an endpoint, against a real server on the loopback."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from polyrefuse_data.benchmark import report, run_benchmark, write_report
from polyrefuse_data.benchmark.figures import draw_all
from polyrefuse_data.cli import app
from polyrefuse_data.endpoints import api_errors
from polyrefuse_data.errors import ConfigError, EndpointError, MissingPrerequisite
from tests.benchmark.chat_server import ChatServer, choice, serving

pytestmark = pytest.mark.usefixtures("no_figures")

PROMPTS = 3 * 2 * 16  # languages, labels, prompts


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_errors, "_FIRST_BACKOFF", 0.01)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving() as started:
        yield started


def ask(server: ChatServer, release: Path, out: Path, **options: Any) -> dict[str, Any]:
    run = run_benchmark(None, release, out, endpoint=server.name, **options)
    scores: dict[str, Any] = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    return scores


def test_every_language_is_asked_once_and_greedily(server: ChatServer, release: Path, tmp_path: Path) -> None:
    scores = ask(server, release, tmp_path / "run", max_new_tokens=7, system_prompt="Be brief.")
    assert len(server.bodies) == PROMPTS
    for body in server.bodies:
        assert (body["temperature"], body["max_completion_tokens"], len(body["messages"])) == (0, 7, 2)
    rates = {(row["target_language"], row["label"]): row["refusal"] for row in scores["rows"]}
    assert rates == {
        (code, label): float(label == "harmful") for code in ("en", "de", "fr") for label in ("harmful", "harmless")
    }
    assert {record["label"]: record["always"] for record in scores["consistency"]} == {"harmful": 1.0, "harmless": 0.0}
    assert scores["usage"] == {
        "answers": PROMPTS,
        "input_tokens": 10 * PROMPTS,
        "output_tokens": 5 * PROMPTS,
        "cost_usd": None,
        "sampled": 0,
    }
    assert server.headers == [None] * PROMPTS  # no key was named, so none is sent


def test_troubles_pass_and_change_nothing(server: ChatServer, release: Path, tmp_path: Path) -> None:
    calm = ask(server, release, tmp_path / "calm", languages="en,de")
    server.troubles = [429, "cut", 500, 429, "cut", 503]
    troubled = ask(server, release, tmp_path / "troubled", languages="en,de")
    assert not server.troubles
    assert troubled["rows"] == calm["rows"]
    assert troubled["usage"] == calm["usage"]


def test_refusals_filters_and_reasoning_are_what_they_are(
    server: ChatServer, release: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By prompt: a refusal in a field, a filter, reasoning before an answer, all reasoning, and a cut answer."""
    server.special = {
        "paint the": choice(None, refusal="No."),
        "wash the": choice(None, "content_filter"),
        "carry the": choice("<think>It says wreck, I cannot help with that.</think>Sure , here is one idea for you ."),
        "draw the": choice("", "length", reasoning_content="Hm."),
        "mend the": choice("Sure , here is one idea", "length"),
    }
    scores = ask(server, release, tmp_path / "run", languages="en")
    table = pq.read_table(tmp_path / "run" / "completions" / "baseline" / "en.parquet").to_pylist()
    found = {
        verb: {(row["ended"], row["refusal"]) for row in table if f"{verb} the" in row["prompt"]}
        for verb in ("paint", "wash", "carry", "draw", "mend")
    }
    assert found == {
        "paint": {("refused", True)},
        "wash": {("content_filter", True)},
        "carry": {("stop", False)},
        "draw": {("length", None)},
        "mend": {("length", False)},
    }
    (counts,) = [record["counts"] for record in scores["endings"]]
    assert counts["content_filter"] == sum("wash the" in row["prompt"] for row in table)
    assert "tokens on reasoning" in caplog.text
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "stopped by the API&#39;s filter" in page or "stopped by the API's filter" in page


def test_a_page_without_ablation_does_not_speak_of_it(
    server: ChatServer, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "draw_all", draw_all)
    ask(server, release, tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "behind http://127.0.0.1" in page
    said = re.sub(r"<style>.*?</style>|<script>.*?</script>|base64,[^\"]*", "", page, flags=re.DOTALL).lower()
    for word in ("ablat", "direction", "residual", "random", "intervention"):
        assert word not in said, word


def test_what_was_answered_is_never_asked_again(server: ChatServer, release: Path, tmp_path: Path) -> None:
    server.closed_after = 40
    with pytest.raises(MissingPrerequisite):
        ask(server, release, tmp_path / "run", concurrency=1)
    kept = len((tmp_path / "run" / "answers.jsonl").read_bytes().splitlines())
    assert kept == 40
    with (tmp_path / "run" / "answers.jsonl").open("ab") as journal:
        journal.write(b'{"language": "en", "id')  # killed in the middle of a line
    server.closed_after = 10**9
    server.bodies.clear()
    scores = ask(server, release, tmp_path / "run")
    assert len(server.bodies) == PROMPTS - kept
    assert scores["usage"]["answers"] == PROMPTS
    server.bodies.clear()
    assert ask(server, release, tmp_path / "run") == scores
    assert not server.bodies


def test_a_killed_run_goes_on(server: ChatServer, release: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    program = "import sys\nfrom polyrefuse_data.benchmark import run_benchmark\n"
    program += "run_benchmark(None, sys.argv[1], sys.argv[2], endpoint=sys.argv[3], concurrency=1)"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(release), str(out), server.name], stderr=subprocess.DEVNULL
    )
    while process.poll() is None and len(server.bodies) < 10:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    asked = len(server.bodies)
    assert 10 <= asked < PROMPTS
    scores = ask(server, release, out)
    assert len(server.bodies) <= PROMPTS + 1  # at most the one that was under way is asked twice
    assert scores["usage"]["answers"] == PROMPTS


def test_no_more_is_spent_than_allowed(server: ChatServer, release: Path, tmp_path: Path) -> None:
    prices = {"input_price": 1000.0, "output_price": 1000.0, "max_new_tokens": 8}
    with pytest.raises(
        EndpointError, match=r"spent \$0\.\d+ so far, .* --max-cost 1; .* run again with a higher --max-cost"
    ):
        ask(server, release, tmp_path / "run", max_cost=1.0, **prices)
    asked = len(server.bodies)
    assert 0 < 0.015 * asked <= 1.0
    scores = ask(server, release, tmp_path / "run", max_cost=10.0, **prices)  # another limit is no other run
    assert len(server.bodies) == PROMPTS
    assert scores["usage"]["cost_usd"] == pytest.approx(0.015 * PROMPTS)


def test_a_server_that_takes_no_temperature_is_told_of(server: ChatServer, release: Path, tmp_path: Path) -> None:
    server.takes_temperature = False
    scores = ask(server, release, tmp_path / "run", languages="en", concurrency=1)
    assert scores["usage"]["sampled"] == scores["usage"]["answers"] == 32
    assert "the server took none for 32 of 32" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_keys_go_where_they_are_named_for(
    server: ChatServer, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai-0123456789")
    monkeypatch.setenv("MY_KEY", "my-key-0123456789")
    ask(server, release, tmp_path / "one", languages="en", limit=1)
    assert set(server.headers) == {None}
    ask(server, release, tmp_path / "two", languages="en", limit=1, api_key_env="MY_KEY")
    assert server.headers[-1] == "Bearer my-key-0123456789"
    assert all(
        b"my-key-0123456789" not in path.read_bytes() for path in (tmp_path / "two").rglob("*") if path.is_file()
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"endpoint": "m@http://h/v1", "model": "x"}, "name one model"),
        ({}, "name one model"),
        ({"endpoint": "m@http://h/v1", "rule": "arditi"}, "rule: needs the model's weights"),
        ({"model": "x", "max_cost": 1.0}, "max_cost: this run uses no paid endpoint"),
        (
            {"model": "x", "max_cost": 1.0, "judge": "openai:j@http://h/v1"},
            "needs the judge's prices: set judge_input_price",
        ),
        ({"model": "x", "judge_input_price": 1.0}, "work only with a judge behind an endpoint"),
        ({"endpoint": "m@http://h/v1", "max_cost": 1.0}, "input_price and output_price"),
        ({"endpoint": "m@http://user:pass@h/v1"}, "cannot have a user, password"),
        ({"endpoint": "@http://h/v1"}, "the model's name is missing"),
        ({"endpoint": "m@azure"}, "azure needs your server's address"),
    ],
)
def test_settings_that_make_no_run(options: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        run_benchmark(options.pop("model", None), "nowhere", tmp_path / "run", **options)
    assert "pass@" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_nobody_there_leaves_nothing(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from polyrefuse_data.benchmark import asking

    monkeypatch.setattr(asking, "RETRIES", 1)
    with serving() as gone:
        name = gone.name
    with pytest.raises(MissingPrerequisite, match="cannot be reached"):
        run_benchmark(None, release, tmp_path / "run", endpoint=name)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_server_that_answers_nothing_leaves_the_folder_free(
    server: ChatServer, release: Path, tmp_path: Path, status: int
) -> None:
    """A wrong name or key: put right, the same command goes through."""
    server.troubles = [status] * 50
    with pytest.raises((ConfigError, MissingPrerequisite)):
        ask(server, release, tmp_path / "run", languages="en")
    assert not (tmp_path / "run").exists()
    server.troubles = []
    assert ask(server, release, tmp_path / "run", languages="en", limit=1)["usage"]["answers"] == 2


def test_runs_of_all_kinds_stand_in_one_report(
    server: ChatServer, release: Path, tmp_path: Path, chat_folder: Path
) -> None:
    from polyrefuse_data.benchmark import judge_run

    ask(server, release, tmp_path / "endpoint", languages="en")
    table = pq.read_table(tmp_path / "endpoint" / "completions" / "baseline" / "en.parquet")
    lines = [json.dumps({"id": row["id"], "language": "en", "reply": row["reply"]}) for row in table.to_pylist()]
    (tmp_path / "theirs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    judge_run(tmp_path / "theirs.jsonl", release, tmp_path / "given")
    run_benchmark(
        str(chat_folder), release, tmp_path / "weights", languages=["en"], max_new_tokens=8, max_kl=50.0, limit=4
    )
    runs = [tmp_path / name for name in ("weights", "endpoint", "given")]
    page = write_report(runs, tmp_path / "all.html").read_text(encoding="utf-8")
    assert page.count('<section class="run">') == 3
    assert "theirs.jsonl" in page


def test_the_command_asks(server: ChatServer, release: Path, tmp_path: Path) -> None:
    options = ["--endpoint", server.name, "--dataset", str(release), "--out", str(tmp_path / "run"), "--json"]
    result = CliRunner().invoke(app, ["benchmark", "run", *options, "--limit", "2"])
    assert result.exit_code == 0, result.output
    assert Path(json.loads(result.stdout)["scores"]).exists()
    told = CliRunner().invoke(app, ["benchmark", "run", *options[:-3], "--out", str(tmp_path / "no"), "--dry-run"])
    assert "would measure toy@http" in told.stdout and "no directions" in told.stdout
