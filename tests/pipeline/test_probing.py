"""What cannot answer is found before the work: endpoints, keys, models, checks and their options."""

from __future__ import annotations

import json
import logging
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.endpoints import api_errors, client
from polyrefuse_data.errors import ConfigError, MissingPrerequisite
from polyrefuse_data.pipeline.build import build
from polyrefuse_data.workspace import Workspace
from tests.endpoints.api_server import API_KEY, ApiServer, error
from tests.faults.launcher import Call
from tests.patience import in_time
from tests.pipeline.test_build import api as api  # fixtures
from tests.pipeline.test_build import api_backend, config, program
from tests.pipeline.test_build import folder as folder


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_errors, "_FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(client, "_LONGEST_ABSENCE", 0.01)


def nobody() -> str:
    """An address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def stops(folder: Path, *backends: dict[str, Any], dry_run: bool = False, **options: Any) -> pytest.ExceptionInfo[Any]:
    """The error of a build, before which no text was translated and nothing written."""
    workspace = Workspace(folder / "ws")
    with pytest.raises((MissingPrerequisite, ConfigError)) as raised:
        build(workspace, config(folder, *backends, **options), progress=False, dry_run=dry_run)
    assert not workspace.prompts.exists()
    assert not (folder / "asked.txt").exists()
    return raised


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("mode", ["live", "batch"])
@pytest.mark.parametrize("place", ["first", "second", "back"])
def test_an_endpoint_where_nobody_listens_is_said_at_once_and_ends_with_3(
    folder: Path, api: ApiServer, caplog: pytest.LogCaptureFixture, place: str, mode: str, dry_run: bool
) -> None:
    dead = api_backend(api, base_url=nobody(), mode=mode)
    others: list[dict[str, Any]] = [] if place == "first" else [program(folder)]
    back = {"back_translation": dead} if place == "back" else {}
    raised = stops(folder, *others, *([] if back else [dead]), dry_run=dry_run, **back)
    assert raised.value.exit_code == 3
    assert "cannot be reached at http://127.0.0.1:" in str(raised.value)
    assert "(Connection refused)" in str(raised.value)
    assert "(Connection refused): trying again" in caplog.text


def test_the_command_says_so_on_the_screen_and_ends_soon(polyrefuse: Call, folder: Path, api: ApiServer) -> None:
    backend = api_backend(api, base_url=nobody(), max_retries=2)
    settings = "".join(f"{key} = {json.dumps(value)}\n" for key, value in backend.items())
    source = '[[sources]]\nname = "seeds"\npath = "prompts.jsonl"\nsplit = "test"\n'
    (folder / "polyrefuse.toml").write_text(f'languages = ["de"]\n{source}[[translation.backends]]\n{settings}')
    started = time.monotonic()
    done = polyrefuse("build", "-c", folder / "polyrefuse.toml", TEST_API_KEY=API_KEY)
    assert in_time(started, 30)
    assert done.returncode == 3, done.stderr
    assert "cannot be reached" in done.stderr.splitlines()[0] and "trying again" in done.stderr.splitlines()[0]
    assert done.stderr.splitlines()[-1].startswith("error: translation.backends: openai:test-model@127.0.0.1 cannot be")


def test_a_server_that_comes_up_meanwhile_is_waited_for(
    folder: Path, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = client.Session.request
    tries: list[int] = []

    def request(session: client.Session, *arguments: Any, **options: Any) -> Any:
        tries.append(1)
        if len(tries) < 3:
            raise client.NotReached("Connection refused")
        return probe(session, *arguments, **options)

    monkeypatch.setattr(client.Session, "request", request)
    build(Workspace(folder / "ws"), config(folder, api_backend(api, max_retries=3)), progress=False)
    assert len(tries) > 3


def test_a_server_that_goes_away_for_good_amid_the_work_ends_with_3_and_what_it_answered_is_kept(
    folder: Path, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = api_backend(api, concurrency=1)
    send = client.Session.request

    def request(session: client.Session, method: str, *arguments: Any, **options: Any) -> Any:
        if len(api.asked) >= 5:
            raise client.NotReached("Connection refused")
        return send(session, method, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(client.Session, "request", request)
        with pytest.raises(MissingPrerequisite, match="cannot be reached") as raised:
            build(Workspace(folder / "ws"), config(folder, backend), progress=False)
    assert raised.value.exit_code == 3
    asked = list(api.asked)
    build(Workspace(folder / "ws"), config(folder, backend), progress=False)
    assert not set(asked) & set(api.asked[len(asked) :])


def test_a_key_that_is_not_accepted_is_found_though_another_backend_is_asked_first(
    folder: Path, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_API_KEY", "sk-another-key-0123")
    raised = stops(folder, program(folder), api_backend(api))
    assert raised.value.exit_code == 3
    assert "does not accept the API key" in str(raised.value)
    assert API_KEY not in str(raised.value)


@pytest.mark.parametrize("models", [["another"], None])
def test_a_model_that_is_not_there_is_found_though_another_backend_is_asked_first(
    folder: Path, api: ApiServer, models: list[str] | None
) -> None:
    """Where the list of models does not show it, it is asked for one sentence."""
    api.models = models
    raised = stops(folder, program(folder), api_backend(api, model="no-such-model"))
    assert raised.value.exit_code == 2
    assert "does not exist" in str(raised.value)


def test_a_probe_costs_nothing_where_the_model_is_listed_or_asked_first_or_for_a_dry_run(
    folder: Path, api: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for models, backends, dry_run in (
        (["test-model"], (program(folder), api_backend(api)), True),
        (["another"], (program(folder), api_backend(api)), True),
        (["test-model"], (program(folder), api_backend(api)), False),
    ):
        api.models = models
        build(Workspace(folder / "ws"), config(folder, *backends), progress=False, dry_run=dry_run)
        assert not api.asked
    assert "test-model@127.0.0.1 is not one of the models the server lists: another" in caplog.text
    api.models = None
    build(Workspace(folder / "ws2"), config(folder, api_backend(api)), progress=False)
    assert len(api.asked) == 24


@pytest.mark.parametrize("fault", [error(500, "boom"), error(403, "Missing scopes: api.model.read"), error(404, "no")])
def test_a_list_of_models_that_is_not_given_stops_nothing(folder: Path, api: ApiServer, fault: Any) -> None:
    api.call_faults["GET /v1/models"] = [fault]
    build(Workspace(folder / "ws"), config(folder, api_backend(api)), progress=False)


def test_a_batch_api_that_is_not_there_is_found_first(folder: Path, api: ApiServer) -> None:
    api.call_faults["GET /v1/batches"] = [error(404, "Not Found")]
    raised = stops(folder, program(folder), api_backend(api, mode="batch"))
    assert "that there is a Batch API" in str(raised.value)


@pytest.mark.parametrize(
    ("quality", "says"),
    [
        ({"identifier": "fasttext:/no/such/model.bin"}, "fasttext"),
        ({"semantic_model": "/no/such/encoder"}, "semantic_model"),
        ({"disable": ["no_such_check"]}, "no_such_check"),
        ({"thresholds": {"no_such": 1.0}}, "no_such"),
    ],
    ids=str,
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_check_that_cannot_run_is_found_first(
    folder: Path, quality: dict[str, Any], says: str, dry_run: bool
) -> None:
    settings = config(folder, program(folder))
    changed = settings.model_copy(update={"quality": settings.quality.model_copy(update=quality)})
    workspace = Workspace(folder / "ws")
    with pytest.raises((MissingPrerequisite, ConfigError), match=says):
        build(workspace, changed, progress=False, dry_run=dry_run)
    assert not workspace.prompts.exists()
    assert not (folder / "asked.txt").exists()


def test_a_device_or_a_damaged_model_is_found_though_another_backend_is_asked_first(
    folder: Path, tmp_path: Path
) -> None:
    from polyrefuse_data.demo.bundled import TRANSLATOR, bundled_model

    model = tmp_path / "damaged"
    model.mkdir()
    for file in Path(bundled_model(TRANSLATOR)).iterdir():
        content = file.read_bytes()
        (model / file.name).write_bytes(content[:-1000] if file.suffix == ".safetensors" else content)
    nllb = {"engine": "nllb", "model": str(model), "runtime": "transformers"}
    with pytest.raises(Exception, match="damaged"):
        build(Workspace(folder / "ws"), config(folder, program(folder), nllb), progress=False)
    raised = stops(folder, program(folder), {**nllb, "device": "cuda:7"})
    assert "device 'cuda:7' cannot be used here" in str(raised.value)
    assert not (folder / "asked.txt").exists()
