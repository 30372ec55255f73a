"""Many requests at once: threads with one connection each, and answers in the order they arrive."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from polyrefuse_data.endpoints.session import Transport

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOOK_SECONDS = 0.5  # how often we check whether an answer is overdue
_OVERDUE_SECONDS = 0.5  # past its deadline; a session that is reading notices by itself


class Cancelled(Exception):
    """The answer is no longer wanted."""


@dataclass(frozen=True)
class Line:
    """What a worker asks through: its own connection, and waits that end when the work is cancelled."""

    session: Transport
    stopped: threading.Event

    def wait(self, seconds: float) -> None:
        """Wait. Raises Cancelled if the work has been stopped."""
        if self.stopped.wait(seconds) if seconds > 0 else self.stopped.is_set():
            raise Cancelled


def in_parallel(
    work: Callable[[Item, Line], Result], items: Sequence[Item], count: int, open_session: Callable[[], Transport]
) -> Iterator[tuple[int, Result]]:
    """Yield (number of the item, `work(item, line)`) as they are ready, with `count` in progress at a time.

    The first error ends it, after the results that were ready before; so does closing the generator. Threads in the
    middle of a request are not waited for: their connections are cut.
    """
    waiting = iter(enumerate(items))
    ready: queue.SimpleQueue[tuple[int, Result] | BaseException] = queue.SimpleQueue()
    stopped, next_one = threading.Event(), threading.Lock()
    sessions: list[Transport] = []

    def run(session: Transport) -> None:
        line = Line(session, stopped)
        try:
            while not stopped.is_set():
                with next_one:
                    found = next(waiting, None)
                if found is None:
                    return
                ready.put((found[0], work(found[1], line)))
        except Cancelled:
            pass
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            ready.put(error)
        finally:
            session.close()

    try:
        for number in range(min(count, len(items))):
            sessions.append(open_session())
            thread = threading.Thread(target=run, args=(sessions[-1],), name=f"polyrefuse-ask-{number}", daemon=True)
            thread.start()
        for _ in range(len(items)):
            result = _next(ready, sessions)
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        stopped.set()
        for session in sessions:
            session.cut()


def _next(ready: queue.SimpleQueue[Result], sessions: Sequence[Transport]) -> Result:
    """The next result. Meanwhile, connections are cut if an answer drips past its deadline."""
    while True:
        try:
            return ready.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            now = time.monotonic()
            for session in sessions:
                deadline = session.deadline
                if deadline is not None and now > deadline + _OVERDUE_SECONDS:
                    session.cut()
