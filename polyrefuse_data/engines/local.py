"""The local engine: stages with state run here, one at a time; the others in worker processes beside them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, closing
from itertools import chain, islice
from types import TracebackType
from typing import Any, TypeVar

from polyrefuse_data.engines.base import Stage
from polyrefuse_data.system.machine import cores
from polyrefuse_data.system.workers import Workers

Thing = TypeVar("Thing")


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
            mend = f"Run again with fewer (engine.workers, now {self.workers}) or smaller shards (engine.shard_prompts)"
            with Workers(self.workers, mend) as workers:
                yield from _run(stages, chain(first, waiting), workers, self.workers)


class _Journey:
    """An item on its way: its next stage, and the result of the worker that has it."""

    def __init__(self, item: Any) -> None:
        self.item = item
        self.stage = 0
        self.future: Future[Any] | None = None

    def advance(self, item: Any) -> None:
        self.item, self.future = item, None
        self.stage += 1


def _run(stages: Sequence[Stage], items: Iterator[Any], workers: Workers, count: int) -> Generator[Any, None, None]:
    """Keep all workers and this process busy, with no more items in progress than necessary."""
    under_way: list[_Journey] = []
    more = True
    while more or under_way:
        while more and len(under_way) <= count:
            try:
                under_way.append(_Journey(next(items)))
            except StopIteration:
                more = False
        for journey in under_way:
            if journey.future is not None and journey.future.done():
                journey.advance(journey.future.result())
        finished = [journey for journey in under_way if journey.stage == len(stages)]
        if finished:
            under_way = [journey for journey in under_way if journey not in finished]
            yield from (journey.item for journey in finished)
            continue
        waiting = [journey for journey in under_way if journey.future is None]
        for journey in waiting:
            if not stages[journey.stage].keeps_state:
                journey.future = workers.submit(stages[journey.stage].work, journey.item)
        here = next((journey for journey in waiting if journey.future is None), None)
        if here is not None:
            here.advance(stages[here.stage].work(here.item))
        elif under_way:
            wait([journey.future for journey in under_way if journey.future is not None], return_when=FIRST_COMPLETED)
