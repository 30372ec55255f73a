"""The Ray engine on a real cluster of this machine: several worker processes, of which some die."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.config import EngineConfig
from polyrefuse_data.engines import Stage, open_engine
from polyrefuse_data.errors import ConfigError, EngineError, TranslationError
from tests.engines.test_local import DieOnce, fail_at_3, stage, with_pid

ray = pytest.importorskip("ray", reason='the ray engine needs `pip install "polyrefuse-data[ray]"`')

pytestmark = (
    pytest.mark.slow
)  # a cluster takes its time to start; test_local holds the local engine to the same promises


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    with open_engine("ray", EngineConfig(actors=2)) as opened:
        yield opened


def test_state_is_kept_in_actors_and_the_rest_runs_anywhere(engine: Any) -> None:
    done = sorted(engine.run([stage(with_pid, True), stage(with_pid, False)], ([n] for n in range(8))))
    assert [item[0] for item in done] == list(range(8))
    actors, tasks = {item[1] for item in done}, {item[2] for item in done}
    assert len(actors) <= 2
    assert os.getpid() not in actors | tasks
    assert list(engine.run([stage(with_pid, True)], [])) == []


def test_error_of_a_worker_is_raised_here_as_it_was(engine: Any) -> None:
    with pytest.raises(TranslationError, match=r"^three is too much$"):
        list(engine.run([stage(fail_at_3, True), stage(with_pid, False)], ([n] for n in range(5))))
    with pytest.raises(TranslationError, match=r"^three is too much$"):
        list(engine.run([stage(with_pid, True), stage(fail_at_3, False)], ([n] for n in range(5))))


@pytest.mark.parametrize("keeps_state", [True, False])
def test_item_of_a_killed_worker_is_done_again(engine: Any, tmp_path: Path, keeps_state: bool) -> None:
    done = sorted(engine.run([stage(DieOnce(tmp_path / "died"), keeps_state)], ([n] for n in range(6))))
    assert done == [[n] for n in range(6)]
    assert (tmp_path / "died").exists()


class Counter:
    """Counts calls; refuses the 13th."""

    def __init__(self, start: int) -> None:
        self.count = start

    def add(self, amount: int) -> int:
        self.count += amount
        if self.count == 13:
            raise TranslationError("thirteen")
        return self.count


class UseCounter:
    def __init__(self, counter: Counter) -> None:
        self.counter = counter

    def __call__(self, item: list[int]) -> list[int]:
        return [item[0], self.counter.add(1)]


def test_shared_thing_is_one_for_all_workers(engine: Any) -> None:
    counter = engine.share(partial(Counter, 0))
    done = list(engine.run([Stage("count", UseCounter(counter), False)], ([n] for n in range(4))))
    assert {count for _, count in done} == {1, 2, 3, 4}
    with pytest.raises(TranslationError, match=r"^thirteen$"):
        counter.add(9)


def test_actors_may_not_take_every_core() -> None:
    with (
        open_engine("ray", EngineConfig(actors=2, actor_cpus=100)) as greedy,
        pytest.raises(ConfigError, match="leave none"),
    ):
        list(greedy.run([stage(with_pid, True), stage(with_pid, False)], [[0]]))


@pytest.mark.parametrize(("failures", "address"), [(1, None), (2, None), (1, "127.0.0.1:{port}")])
def test_a_cluster_that_takes_too_long_to_start_is_started_once_more(
    monkeypatch: pytest.MonkeyPatch, failures: int, address: str | None
) -> None:
    tries: list[str] = []

    def init(where: str, **_: object) -> None:
        tries.append(where)
        if len(tries) <= failures:
            raise Exception("The current node timed out during startup.")  # as Ray does

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as stack:
        if failures == 2 or address:
            stack.enter_context(pytest.raises(EngineError, match="Ray did not start: The current node timed out"))
        where = address and address.format(port=server.getsockname()[1])
        with open_engine("ray", None, where):
            assert tries == ["local", "local"]
    assert len(tries) == (1 if address else 2)


def test_address_where_no_cluster_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with (
        pytest.raises(ConfigError, match=r"no Ray cluster answers at 127\.0\.0\.1:1: start one"),
        open_engine("ray", None, "127.0.0.1:1"),
    ):
        pass
