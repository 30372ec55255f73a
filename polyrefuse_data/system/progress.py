"""Progress on stderr: bars on a terminal, nothing if quiet, elsewhere plain lines: one as a stage begins, and one about
every half minute, also while nothing is counted."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self, TypeVar

from polyrefuse_data.system.verbosity import Verbosity, verbosity

SECONDS_BETWEEN_LINES = 30.0
LEAST_SHARE = 0.01  # of the work, before what is left is estimated

_Item = TypeVar("_Item")


class Progress(Protocol):
    """Work in progress, as a context manager; `update` counts what is done."""

    def update(self, count: int = 1) -> object: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


def progress(
    what: str,
    units: str,
    total: int | None,
    *,
    done: int = 0,
    is_shown: bool = True,
    stays: bool = True,
    seconds_unseen: float = 0.0,
    is_stage: bool = False,
) -> Progress:
    """The progress of `what` over `total` units (`units` is their plural), of which `done` were done before.

    A finished bar is removed unless it `stays`; one that finishes within `seconds_unseen` is never shown. Without a
    terminal, the beginning of a stage (`is_stage`) is a line of its own.
    """
    if not is_shown or verbosity() == Verbosity.QUIET:
        return _Silence()
    if not sys.stderr.isatty():
        return _Lines(what, units, total, done, is_stage)
    from tqdm import tqdm

    bar: Progress = tqdm(total=total, initial=done, desc=what, unit=f" {units}", leave=stays, delay=seconds_unseen)
    return bar


def tracked(
    items: Iterable[_Item], what: str, units: str, total: int, *, stays: bool = True, is_stage: bool = False
) -> Iterator[_Item]:
    """Iterate over the items and count them in a `progress`."""
    with progress(what, units, total, stays=stays, is_stage=is_stage) as bar:
        for item in items:
            yield item
            bar.update()


def tracked_parts(items: Sequence[_Item], what: str) -> Iterator[_Item]:
    """The same for the parts of a stage, whose bar goes when they are done."""
    if items:
        yield from tracked(items, what, "parts", len(items), stays=False, is_stage=True)


class _Silence:
    def update(self, count: int = 1) -> None:
        """Does nothing: progress is not shown."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Does nothing."""


class _Lines:
    """Counts, and prints the one line for everything in progress when it is due."""

    def __init__(self, what: str, units: str, total: int | None, done: int, is_stage: bool) -> None:
        self.is_stage = is_stage
        self._what, self._units, self._total = what.strip(), units, total
        self._done = self._before = done
        self._began = time.monotonic()

    def update(self, count: int = 1) -> None:
        self._done += count
        _line.print_if_due()

    def __enter__(self) -> Self:
        _line.begin(self)
        return self

    def __exit__(self, *_: object) -> None:
        _line.end(self)

    def __str__(self) -> str:
        """`build: 300 of 7000 rows, about 12 min left`."""
        if not self._total:
            return f"{self._what}: {self._done} {self._units}"
        counted = f"{self._what}: {self._done} of {self._total} {self._units}"
        new, seconds = self._done - self._before, time.monotonic() - self._began
        if not new or new < LEAST_SHARE * (self._total - self._before):
            return counted  # one row tells nothing of two thousand
        minutes = (self._total - self._done) * seconds / new / 60
        return f"{counted}, {f'about {minutes:.0f} min' if minutes >= 1 else 'less than a minute'} left"


class _Line:
    """Everything in progress in this process, outermost first."""

    def __init__(self) -> None:
        self.under_way: list[_Lines] = []
        self._lock = threading.Lock()
        self._printed: float | None = None  # when, on the monotonic clock, counted from the first beginning
        self._ended = threading.Event()

    def begin(self, lines: _Lines) -> None:
        with self._lock:
            self.under_way.append(lines)
            if lines.is_stage:
                self._print()
            elif self._printed is None:
                self._printed = time.monotonic()
            if len(self.under_way) == 1:
                self._ended = threading.Event()
                threading.Thread(target=self._watch, args=(self._ended,), daemon=True).start()

    def end(self, lines: _Lines) -> None:
        with self._lock:
            self.under_way.remove(lines)
            if not self.under_way:
                self._ended.set()

    def print_if_due(self) -> None:
        with self._lock:
            is_due = self._printed is None or time.monotonic() - self._printed >= SECONDS_BETWEEN_LINES
            if self.under_way and is_due:
                self._print()

    def _print(self) -> None:
        self._printed = time.monotonic()
        print("; ".join(map(str, self.under_way)), file=sys.stderr, flush=True)

    def _watch(self, ended: threading.Event) -> None:
        """Print also while nothing is counted: a batch of a large model takes minutes."""
        while not ended.wait(SECONDS_BETWEEN_LINES / 10):
            with suppress(OSError):  # a log that cannot be written stops the work where it is counted, not here
                self.print_if_due()


_line = _Line()
