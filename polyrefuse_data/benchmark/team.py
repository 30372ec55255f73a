"""The processes that share the forward passes of a model too narrow for threads.

Up to a certain width a layer is done sooner than threads have met, and on a busy machine they wait for each other for
minutes. So such a model runs on one thread, and other processes load it too, as many as torch would have had threads.
Each does whole batches or languages, so every number is what a single process computes. A wider model uses all cores
by itself, and is loaded once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

import torch

from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.model_files import ModelFiles, check_placement
from polyrefuse_data.system.machine import cores
from polyrefuse_data.system.workers import Workers, share_out

ONE_THREAD_WIDTH = 256
_MOST = 4  # processes: each takes half a gigabyte before it loads anything
# From so many languages on another process pays: one takes five seconds or more, starting it ten.
_WORTH_A_PROCESS = 6

_MEND = "run the same command again with OMP_NUM_THREADS=1, which does all in one process: finished work is kept"

_Result = TypeVar("_Result")
Load = Callable[[], ChatModel]
Task = Callable[[ChatModel], _Result]


class Team:
    """This process, and those that `recruit` starts. On exit, they end."""

    def __init__(self) -> None:
        self._pool: Workers | None = None
        self._others = 0
        self._load: Load | None = None

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.__exit__(*error)

    def recruit(self, load: Load, others: int) -> None:
        """Start other processes, which load the model while this one does. `load` must be picklable."""
        if others == 0:
            return
        self._pool, self._others, self._load = Workers(others, _MEND), others, load
        for _ in range(others):
            self._pool.submit(_model_there, load)

    def do(self, tasks: Iterable[Task[_Result]], model: Load) -> Iterator[_Result]:
        """The results of the tasks in their order, which must be picklable. `model` gives this process's own."""
        return share_out(tasks, lambda task: task(model()), self._hand_over, self._others)

    def _hand_over(self, task: Task[_Result]) -> Any:
        assert self._pool is not None and self._load is not None
        return self._pool.submit(partial(_done_there, load=self._load), task)


def helpers(files: ModelFiles, device: str, device_map: Any, languages: int) -> int:
    """How many other processes are worth starting for a run on so many languages."""
    width = getattr(files.config.get_text_config(decoder=True), "hidden_size", None)
    narrow = isinstance(width, int) and width <= ONE_THREAD_WIDTH
    if not narrow or languages < _WORTH_A_PROCESS or check_placement(device, device_map):
        return 0
    threads: int = torch.get_num_threads()
    return min(threads, cores(), _MOST) - 1


_held: list[ChatModel] = []  # the model of a process that helps: it belongs to one team, which has one


def _model_there(load: Load) -> None:
    if not _held:
        torch.set_num_threads(1)
        _held.append(load())


def _done_there(task: Task[_Result], load: Load) -> _Result:
    _model_there(load)
    return task(_held[0])
