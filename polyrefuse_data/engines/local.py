"""The local engine: stages with state run in this process, one at a time, the others in worker processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing
from itertools import chain, islice
from types import TracebackType
from typing import Any, TypeVar

from polyrefuse_data.engines.base import Stage
from polyrefuse_data.errors import EngineError
from polyrefuse_data.system.machine import cores

Thing = TypeVar("Thing")

# A worker that the system killed (for its memory, say) is replaced so many times before anybody is told.
_MOST_DEATHS = 3


class LocalEngine:
    """This machine, with `workers` processes for stages without state. A single item does not start any."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or cores()
        self._stack = ExitStack()

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def share(self, make: Callable[[], Thing]) -> Thing:
        thing = make()
        if hasattr(thing, "close"):
            self._stack.enter_context(closing(thing))
        return thing

    def run(self, stages: Sequence[Stage], items: Iterable[Any]) -> Generator[Any, None, None]:
        waiting = iter(items)
        first = list(islice(waiting, 2))
        if len(first) == 1:
            item = first[0]
            for stage in stages:
                item = stage.work(item)
            yield item
        elif first:
            workers = _Workers(self.workers)
            try:
                yield from _run(stages, chain(first, waiting), workers)
            finally:
                workers.stop()


class _Journey:
    """An item on its way: its next stage, and where it is being worked on."""

    def __init__(self, item: Any) -> None:
        self.item = item
        self.stage = 0
        self.future: Future[Any] | None = None
        self.pool: ProcessPoolExecutor | None = None

    def advance(self, item: Any) -> None:
        self.item, self.future = item, None
        self.stage += 1


def _run(stages: Sequence[Stage], items: Iterator[Any], workers: _Workers) -> Generator[Any, None, None]:
    """Keep all workers and this process busy, with no more items in progress than necessary."""
    under_way: list[_Journey] = []
    more = True
    while more or under_way:
        while more and len(under_way) <= workers.count:
            try:
                under_way.append(_Journey(next(items)))
            except StopIteration:
                more = False
        for journey in [journey for journey in under_way if journey.future is not None]:
            workers.collect(journey, stages)
        finished = [journey for journey in under_way if journey.stage == len(stages)]
        if finished:
            under_way = [journey for journey in under_way if journey not in finished]
            yield from (journey.item for journey in finished)
            continue
        waiting = [journey for journey in under_way if journey.future is None]
        for journey in waiting:
            if not stages[journey.stage].keeps_state:
                workers.submit(journey, stages)
        here = next((journey for journey in waiting if journey.future is None), None)
        if here is not None:
            here.advance(stages[here.stage].work(here.item))
        elif under_way:
            wait([journey.future for journey in under_way if journey.future is not None], return_when=FIRST_COMPLETED)


class _Workers:
    """A pool that is recreated if one of its processes dies; the items it was working on are done again."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._deaths = 0
        self._pool = self._open()

    def submit(self, journey: _Journey, stages: Sequence[Stage]) -> None:
        while True:
            journey.pool = self._pool
            try:
                journey.future = self._pool.submit(stages[journey.stage].work, journey.item)
                return
            except BrokenProcessPool as error:
                self._replace(journey, error)

    def collect(self, journey: _Journey, stages: Sequence[Stage]) -> None:
        """Take the result of a finished worker; if the worker died, give its item to another."""
        assert journey.future is not None
        if not journey.future.done():
            return
        try:
            journey.advance(journey.future.result())
        except BrokenProcessPool as error:
            self._replace(journey, error)
            self.submit(journey, stages)

    def stop(self) -> None:
        """End the processes at once; their work is no longer wanted."""
        processes = list((self._pool._processes or {}).values())  # Python 3.14 has terminate_workers()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()

    def _open(self) -> ProcessPoolExecutor:
        # Spawned, not forked: a fork of a process with a model's threads may never wake up.
        return ProcessPoolExecutor(self.count, multiprocessing.get_context("spawn"), initializer=_start_worker)

    def _replace(self, journey: _Journey, error: BrokenProcessPool) -> None:
        """Create a new pool. Everything in progress in the broken one fails; the first failure found counts as the
        death."""
        if journey.pool is not self._pool:
            return
        self._deaths += 1
        if self._deaths > _MOST_DEATHS:
            raise EngineError(
                f"worker processes died {self._deaths} times: out of memory? Run again with fewer (engine.workers, "
                f"now {self.count}) or smaller shards (engine.shard_prompts). A script that calls build() needs the "
                'usual `if __name__ == "__main__":`'
            ) from error
        self.stop()
        self._pool = self._open()


def _start_worker() -> None:
    # Ctrl-C reaches every process of the terminal; the one that started us decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End with the parent: if it was killed, its workers would otherwise wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
