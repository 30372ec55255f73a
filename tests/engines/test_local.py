"""The local engine: every item through every stage once, in this process and in workers that may die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from polyrefuse_data.engines import LocalEngine, Stage, open_engine
from polyrefuse_data.errors import ConfigError, EngineError, TranslationError


def with_pid(item: list[int]) -> list[int]:
    return [*item, os.getpid()]


def fail_at_3(item: list[int]) -> list[int]:
    if item[0] == 3:
        raise TranslationError("three is too much")
    return item


@dataclass
class DieOnce:
    """Kills its own process, as the system does when memory runs out: once where `mark` is not there yet, or always."""

    mark: Path
    always: bool = False

    def __call__(self, item: list[int]) -> list[int]:
        if item[0] == 2 and (self.always or not self.mark.exists()):
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children() if "system.workers" in " ".join(child.cmdline())]


def stage(work: Callable[[list[int]], list[int]], keeps_state: bool) -> Stage:
    return Stage(work.__class__.__name__, work, keeps_state)


def run(items: int, *stages: Stage, workers: int = 2) -> list[list[int]]:
    with LocalEngine(workers) as engine:
        return sorted(engine.run(stages, ([number] for number in range(items))))


def test_state_stays_here_and_the_rest_goes_to_the_workers() -> None:
    done = run(7, stage(with_pid, True), stage(with_pid, False), stage(with_pid, True))
    assert [item[0] for item in done] == list(range(7))
    assert {(item[1], item[3]) for item in done} == {(os.getpid(), os.getpid())}
    assert os.getpid() not in {item[2] for item in done}


def test_few_items_are_under_way_at_a_time() -> None:
    started: list[int] = []
    finished = 0

    def note(item: list[int]) -> list[int]:
        started.append(item[0])
        return item

    with LocalEngine(2) as engine:
        for _ in engine.run([stage(note, True), stage(with_pid, False)], ([n] for n in range(20))):
            finished += 1
            assert len(started) - finished <= 3
    assert finished == 20


def test_one_item_starts_no_process() -> None:
    assert run(1, stage(with_pid, False)) == [[0, os.getpid()]]
    assert run(0, stage(with_pid, False)) == []


def test_error_of_a_worker_is_raised_here_and_no_process_stays() -> None:
    with pytest.raises(TranslationError, match="three is too much"):
        run(9, stage(with_pid, True), stage(fail_at_3, False))
    assert not workers_of(psutil.Process())


def test_killed_worker_is_replaced_and_its_item_done_again(tmp_path: Path) -> None:
    done = run(6, stage(with_pid, True), stage(DieOnce(tmp_path / "died"), False))
    assert [item[0] for item in done] == list(range(6))
    assert (tmp_path / "died").exists()


def test_worker_that_always_dies_ends_the_run_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"died 4 times, the last with code -9: out of memory\? Run again with fewer"):
        run(4, stage(DieOnce(tmp_path / "died", always=True), False))


PARENT = """
import sys, time
sys.path.insert(0, sys.argv[1])
from polyrefuse_data.engines import LocalEngine
from tests.engines.test_local import stage, with_pid
if __name__ == "__main__":
    with LocalEngine(2) as engine:
        for item in engine.run([stage(with_pid, False)], ([n] for n in range(5))):
            print(item[1], flush=True)
            time.sleep(60)
"""


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py"), root], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    deadline = time.monotonic() + 20
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the worker goes on without its parent"
        time.sleep(0.05)


def test_unknown_engine_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown engine 'spark': use local or ray"):
        open_engine("spark")
    with pytest.raises(ConfigError, match="--address works only with --engine ray"):
        open_engine("local", address="127.0.0.1:1")
