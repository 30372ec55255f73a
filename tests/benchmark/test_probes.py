"""What cannot work is said before anything expensive: no release is read and no weights are loaded for it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.benchmark import run_benchmark
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, ModelError, PolyrefuseError
from tests.benchmark.conftest import world_rows, write_release_of
from tests.faults.launcher import Call

pytestmark = pytest.mark.usefixtures("no_figures")


class _Reached(Exception):
    """The run came to what takes long."""


@pytest.fixture
def expensive(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Reading a release and loading weights end the run here; the list says which of them was come to."""
    reached: list[str] = []

    def stop(name: str) -> Any:
        def stopped(*args: Any, **options: Any) -> Any:
            reached.append(name)
            raise _Reached(name)

        return stopped

    monkeypatch.setattr("polyrefuse_data.release.load.load_release", stop("release"))
    monkeypatch.setattr("polyrefuse_data.benchmark.model.load_network", stop("weights"))
    return reached


def refused(port: int) -> str:
    return f"openai:judge@http://127.0.0.1:{port}/v1"


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"judge": "phrase"}, ConfigError, "unknown judge 'phrase': use phrases, openai:"),
        ({"judge": "openai:gpt"}, MissingPrerequisite, "export OPENAI_API_KEY="),
        ({"judge": "allenai/wildguard"}, MissingPrerequisite, "hf download allenai/wildguard"),
        ({"rule": "mean"}, ConfigError, "rule: selection rule 'mean' is unknown: use arditi or polyrefuse"),
        ({"mode": "whole"}, ConfigError, "mode: Input should be 'reference'"),
        ({"scoring": "some"}, ConfigError, "scoring: Input should be 'full' or 'staged'"),
        ({"refusal_tokens": "mine"}, ConfigError, "refusal_tokens: Input should be 'found' or 'published'"),
        ({"dtype": "int3"}, ConfigError, "dtype: Input should be 'auto', 'float32'"),
        ({"languages": ["en", "xx"]}, ConfigError, "languages: .*xx"),
        ({"source_languages": ["xx"]}, ConfigError, "source_languages: .*xx"),
        ({"languages": []}, ConfigError, "languages: no language given"),
        ({"transfer": "some"}, ConfigError, "transfer: 'some' is unknown: use all, own, or source languages"),
        ({"transfer": ["de"], "languages": ["en"]}, ConfigError, "transfer names 'de', which is not a source language"),
        ({"limit": 0}, ConfigError, "limit: Input should be greater than or equal to 1"),
        ({"n_train": 0}, ConfigError, "n_train: Input should be greater than or equal to 1"),
        ({"max_new_tokens": 0}, ConfigError, "max_new_tokens: Input should be greater"),
        ({"layers": [-1]}, ConfigError, "layers: layers count from 0"),
        ({"positions": "0..2"}, ConfigError, "positions: positions count from the end"),
        ({"layers": "3..x"}, ConfigError, "layers: '3..x' is not a list of numbers"),
        ({"modules": "mlp=x"}, ConfigError, "modules: modules 'mlp=x': write blocks=NAME"),
        ({"device": "cuda"}, MissingPrerequisite, "device 'cuda': .*use `--device auto` or `--device cpu`"),
        ({"device": "gpu"}, ConfigError, "device 'gpu' is unknown: use auto, cpu, cuda"),
        ({"max_tokens": 3}, ConfigError, "max_tokens: unknown key; use model, endpoint, dataset"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else None,
)
def test_settings_are_probed_before_the_release_is_read(
    chat_folder: Path,
    tmp_path: Path,
    expensive: list[str],
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    error: type[PolyrefuseError],
    told: str,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(error, match=told):
        run_benchmark(str(chat_folder), "ORG/NAME", tmp_path / "run", **options)
    assert expensive == []
    assert not (tmp_path / "run").exists()


def test_a_model_that_is_none_is_said_before_the_release_is_read(tmp_path: Path, expensive: list[str]) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        run_benchmark(str(tmp_path / "model"), "ORG/NAME", tmp_path / "run")
    assert expensive == []


def test_a_judge_where_nobody_listens_is_said_before_the_release_is_read(
    chat_folder: Path, tmp_path: Path, expensive: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polyrefuse_data.endpoints.client._LONGEST_ABSENCE", 0.01)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        with pytest.raises(MissingPrerequisite, match=r"127\.0\.0\.1"):
            run_benchmark(str(chat_folder), "ORG/NAME", tmp_path / "run", judge=refused(bound.getsockname()[1]))
    assert expensive == []


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        (
            {"transfer": ["de", "fr"]},
            ConfigError,
            "transfer names 'de', which is not a source language of this run: en",
        ),
        ({"layers": [4]}, ConfigError, "layer 4 is out of range for this model: use 0 to 3"),
        ({"positions": [-3, -1]}, ConfigError, "position -3 is out of range for this model: use -2 to -1"),
        ({"refusal_tokens": "published"}, ConfigError, "no published refusal tokens for model type 'llama'"),
        ({"system_prompt": "Be brief."}, ModelError, "its chat template accepts no system message"),
    ],
    ids=str,
)
def test_what_release_and_template_do_not_allow_is_said_before_the_weights_are_loaded(
    chat_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    error: type[PolyrefuseError],
    told: str,
) -> None:
    monkeypatch.setattr("polyrefuse_data.benchmark.model.load_network", lambda *_: pytest.fail("loaded"))
    model = tmp_path / "model"
    model.mkdir()
    for file in chat_folder.iterdir():
        (model / file.name).symlink_to(file)
    (model / "chat_template.jinja").unlink()
    template = (chat_folder / "chat_template.jinja").read_text(encoding="utf-8")
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    (model / "chat_template.jinja").write_text(strict + template, encoding="utf-8")
    release = write_release_of(world_rows(("en",)), tmp_path)
    with pytest.raises(error, match=told):
        run_benchmark(str(model), release, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_judge_that_does_not_know_a_language_of_the_release(
    chat_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polyrefuse_data.benchmark.model.load_network", lambda *_: pytest.fail("loaded"))
    rows = [{**row, "language": "sw" if row["language"] == "de" else row["language"]} for row in world_rows()]
    release = write_release_of(rows, tmp_path)
    with pytest.raises(ConfigError, match="phrases judge has no phrases for 'sw'"):
        run_benchmark(str(chat_folder), release, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "code", "told"),
    [
        (["--rule", "mean"], 2, "selection rule 'mean' is unknown"),
        (["--device", "cuda"], 3, "`--device cpu`"),
        (["--judge", "openai:gpt"], 3, "`export OPENAI_API_KEY=...`"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_the_command_exits_with_the_mend(
    polyrefuse: Call, chat_folder: Path, tmp_path: Path, flags: list[str], code: int, told: str
) -> None:
    where = ("--model", chat_folder, "--dataset", tmp_path / "none", "--out", tmp_path / "run")
    ended = polyrefuse("benchmark", "run", *where, *flags, OPENAI_API_KEY="")
    assert (ended.returncode, told in ended.stderr) == (code, True), ended.stderr
    assert "Traceback" not in ended.stderr
