"""Processes that share the forward passes of a narrow model: who gets them, and that they change no byte."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from polyrefuse_data.benchmark import run_benchmark, team
from polyrefuse_data.benchmark.team import Team, helpers
from polyrefuse_data.errors import ModelError


def _files(width: int | None) -> Any:
    config = SimpleNamespace(hidden_size=width)
    return SimpleNamespace(config=SimpleNamespace(get_text_config=lambda decoder: config))


@pytest.mark.parametrize(
    ("width", "threads", "cores", "languages", "others"),
    [
        (256, 2, 2, 14, 1),
        (257, 2, 2, 14, 0),  # a wider model is loaded once: it uses all cores itself
        (None, 2, 2, 14, 0),
        (256, 1, 2, 14, 0),  # as OMP_NUM_THREADS=1 asks
        (256, 2, 1, 14, 0),
        (256, 2, 2, 3, 0),  # done before another process has started
        (256, 64, 64, 14, 3),  # each takes memory
    ],
)
def test_only_a_narrow_model_gets_processes_and_no_more_than_there_are_cores(
    width: int | None, threads: int, cores: int, languages: int, others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(team, "cores", lambda: cores)
    assert helpers(_files(width), "cpu", None, languages) == others


def test_a_model_on_a_gpu_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(team, "check_placement", lambda device, device_map: True)
    assert helpers(_files(128), "auto", None, 14) == 0


def load(folder: Path) -> Any:
    """Stands for a model: the process that has it, which leaves a file for each time it is loaded."""
    (folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()
    return os.getpid()


def numbered(model: Any, number: int, folder: Path, here: int) -> tuple[int, int]:
    """The number and whose model it was; this process waits for the other one to have loaded its own."""
    while os.getpid() == here and not any(folder.iterdir()):
        time.sleep(0.01)
    if os.getpid() == here:
        time.sleep(0.05)
    return number, model


def failing(model: Any, number: int) -> int:
    if number == 1:
        raise ModelError("no such layer")
    return number


def test_two_processes_share_the_tasks_and_each_loads_its_model_once(tmp_path: Path) -> None:
    here: Any = os.getpid()
    with Team() as shared:
        shared.recruit(partial(load, tmp_path), 1)
        tasks: list[Any] = [partial(numbered, number=number, folder=tmp_path, here=here) for number in range(8)]
        failures: list[Any] = [partial(failing, number=number) for number in range(3)]
        found = list(shared.do(tasks, lambda: here))
        again = list(shared.do(tasks, lambda: here))
        with pytest.raises(ModelError, match="no such layer"):
            list(shared.do(failures, lambda: here))
    assert [number for number, _ in found] == [number for number, _ in again] == list(range(8))
    assert len({model for _, model in found + again}) == 2
    assert len(list(tmp_path.iterdir())) == 1


def test_without_others_everything_is_done_here_as_it_is_asked_for() -> None:
    nothing: Any = None
    done = Team().do([partial(failing, number=number) for number in range(2)], lambda: nothing)
    assert next(done) == 0
    with pytest.raises(ModelError):
        next(done)


@pytest.mark.slow
def test_a_run_of_two_processes_gives_the_bytes_of_one(
    chat_folder: Path, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_figures: None
) -> None:
    options: dict[str, Any] = {"max_new_tokens": 8, "max_kl": 50.0, "transfer": "all", "control_draws": 2}
    run_benchmark(str(chat_folder), release, tmp_path / "one", **options)
    with monkeypatch.context() as patched:
        patched.setattr(torch, "get_num_threads", lambda: 2)
        patched.setattr(team, "cores", lambda: 2)
        patched.setattr(team, "_WORTH_A_PROCESS", 1)
        handed: list[Any] = []
        hand_over = Team._hand_over

        def seen(self: Team, task: Any) -> Any:
            handed.append(task)
            return hand_over(self, task)

        patched.setattr(Team, "_hand_over", seen)
        run_benchmark(str(chat_folder), release, tmp_path / "two", **options)
    one, two = (
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and path.name != ".lock"
        }
        for folder in (tmp_path / "one", tmp_path / "two")
    )
    assert handed
    assert one == two
