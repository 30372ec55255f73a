"""Worker processes: the only way in which this package uses several processes of its own.

They are independent programs that communicate over pipes: not forked, which the threads of Arrow, OpenBLAS and torch do
not survive, and without multiprocessing, which would run an unguarded script again. So they work from a script, a
notebook and `python -c` alike. A worker ends with the process that started it, however that ends, because its input
ends.
"""

from __future__ import annotations

import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from itertools import count, islice
from typing import IO, Any, TypeVar

import pyarrow as pa

from polyrefuse_data.errors import EngineError
from polyrefuse_data.system.garbage import rare_collection
from polyrefuse_data.system.streams import take_over_streams

Work = Callable[[pa.Table], pa.Table]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# How many workers that the system killed (for their memory, say) are replaced before that is an error.
_MOST_DEATHS = 3
_AHEAD = 2  # batches handed to each worker in advance, so that it need not wait

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from polyrefuse_data.system.workers import serve; serve()"
)
_LENGTH_BYTES = 8  # in front of every message


class Workers:
    """Up to `count` worker processes, started when there is work. `mend` says what to do if they keep dying.

    If a worker dies, another one does its item again. On exit, all of them end at once.
    """

    def __init__(self, count: int, mend: str) -> None:
        self._count, self._mend = count, mend
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Callable[[Any], Any], Any] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._processes: set[_Process] = set()
        self._deaths = 0
        self._stopped = False

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._stopped = True
            for process in self._processes:
                process.kill()
        for _thread in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, work: Callable[[Any], Any], item: Any) -> Future[Any]:
        """`work(item)` in a worker. `work` and `item` must be picklable: a function of a module, or a partial of one.

        The future raises what the work raises, and EngineError where a process cannot be started, or too many died.
        """
        future: Future[Any] = Future()
        self._tasks.put((future, work, item))
        if len(self._threads) < self._count:
            self._threads.append(threading.Thread(target=self._hand_out, daemon=True))
            self._threads[-1].start()
        return future

    def _hand_out(self) -> None:
        """What a thread does: it hands one task after another to a process of its own."""
        process: _Process | None = None
        while (task := self._tasks.get()) is not None and not self._stopped:
            future, work, item = task
            if not future.set_running_or_notify_cancel():
                continue
            while not future.done():
                try:
                    process = process or self._start()
                    future.set_result(process.run(work, item))
                except _Died as death:
                    self._end(process)
                    process = None
                    if self._died():
                        said = f"worker processes died {self._deaths} times, the last with code {death}"
                        future.set_exception(EngineError(f"{said}: out of memory? {self._mend}"))
                except Exception as error:  # noqa: BLE001 (raised where the result is wanted)
                    future.set_exception(error)
        self._end(process)

    def _start(self) -> _Process:
        with self._lock:
            if self._stopped:
                raise EngineError("the workers have been stopped")
            try:
                process = _Process()
            except OSError as error:
                raise EngineError(f"cannot start {sys.executable!r}: {error}; {self._mend}") from error
            self._processes.add(process)
            return process

    def _end(self, process: _Process | None) -> None:
        if process is not None:
            process.close()
            with self._lock:
                self._processes.discard(process)

    def _died(self) -> bool:
        """Count a death; whether that was one too many."""
        with self._lock:
            self._deaths += 1
            return self._stopped or self._deaths > _MOST_DEATHS


def map_batches(work: Work, batches: Sequence[pa.Table], workers: int) -> Generator[pa.Table, None, None]:
    """Yield `work` of every batch, in their order, done by this process and up to `workers - 1` others.

    `work` must be picklable. What it raises is raised here, of several errors the one of the earliest batch. Raises
    EngineError where a process cannot be started, or dies again and again.
    """
    others = min(workers, len(batches)) - 1
    with rare_collection(), Workers(others, "pass workers=1 to check rows in this process alone") as pool:

        def there(batch: pa.Table) -> Future[pa.Table]:
            return pool.submit(partial(_on_arrow, work), _Arrow(batch))

        yield from share_out(map(batches.__getitem__, range(len(batches))), work, there, others)


def share_out(
    items: Iterable[_Item],
    here: Callable[[_Item], _Result],
    there: Callable[[_Item], Future[_Result]],
    others: int,
) -> Generator[_Result, None, None]:
    """Yield the result of every item, in their order: of some by `here` in this process, of the rest by `there`, which
    hands an item to a pool of `others` workers. Items are taken as they are needed.

    Of several errors, the one of the earliest item is raised, and nothing is begun after it.
    """
    numbered = enumerate(items)
    given: dict[int, _Item] = {}
    futures: dict[int, Future[_Result]] = {}
    for place in count():
        while place not in futures or not futures[place].done():
            under_way = sum(not future.done() for future in futures.values())
            for other, item in islice(numbered, max(0, _AHEAD * others - under_way)):
                given[other], futures[other] = item, there(item)
            mine = next(numbered, None)
            if mine is None:
                taken = _taken_back(futures)
                if taken is None:
                    break
                mine = taken, given[taken]
            futures[mine[0]] = _done_here(here, mine[1])
            if futures[mine[0]].exception():
                numbered = enumerate(())
        if place not in futures:
            return
        given.pop(place, None)
        yield futures.pop(place).result()


def _taken_back(futures: Mapping[int, Future[Any]]) -> int | None:
    """The last of the items that no worker has begun, which none will begin now; None where there is none."""
    return next((place for place in sorted(futures, reverse=True) if futures[place].cancel()), None)


def serve() -> None:
    """What a worker does: it answers question after question until its input ends, and ends then, whatever it is at."""
    # Ctrl-C reaches every process of the terminal; the one that started us decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    take_over_streams()  # libraries warn on the same standard error
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is not an answer
    questions: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=[questions], daemon=True).start()
    with rare_collection():
        while True:
            answer = _answer(questions.get())
            try:
                _send(answers, answer)
            except BrokenPipeError:  # nobody reads it anymore
                os._exit(1)


def _read(questions: queue.SimpleQueue[bytes]) -> None:
    while (question := _receive(sys.stdin.buffer)) is not None:
        questions.put(question)
    os._exit(0)


class _Died(Exception):
    """A worker is no more; its exit code."""


class _Process:
    """Another Python."""

    def __init__(self) -> None:
        path = [entry for entry in sys.path if isinstance(entry, str)]  # Python ignores any other
        command = [sys.executable, "-c", _START, json.dumps(path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        """End it, if it has not ended, and leave nothing of it behind."""
        self._process.kill()
        self._process.communicate()

    def run(self, work: Callable[[Any], Any], item: Any) -> Any:
        """`work(item)` there. Raises what the work raises, and _Died where the process is no more."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            _send(self._process.stdin, pickle.dumps((work, item)))
            answer = _receive(self._process.stdout)
        except BrokenPipeError:
            answer = None
        if answer is None:
            raise _Died(self._process.wait())
        found, error = pickle.loads(answer)
        if error is not None:
            raise error
        return found


def _done_here(here: Callable[[_Item], _Result], item: _Item) -> Future[_Result]:
    future: Future[_Result] = Future()
    try:
        future.set_result(here(item))
    except Exception as error:  # noqa: BLE001 (raised when the turn of this item has come)
        future.set_exception(error)
    return future


def _answer(question: bytes) -> bytes:
    try:
        work, item = pickle.loads(question)
        return pickle.dumps((work(item), None))
    except Exception as error:  # noqa: BLE001 (raised where the work is wanted)
        sent = _portable(error)
        sent.add_note(traceback.format_exc())
        return pickle.dumps((None, sent))


def _portable(error: Exception) -> Exception:
    """The error, or its text where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 (the constructor of an error may do anything)
        return EngineError(f"{type(error).__name__}: {error}")
    return error


class _Arrow:
    """A table that is pickled as its own rows: a slice would take the whole table with it. It arrives as a table."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpacked, (_packed(self._table),)


def _on_arrow(work: Work, table: pa.Table) -> _Arrow:
    return _Arrow(work(table))


def _packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _unpacked(packed: bytes) -> pa.Table:
    return pa.ipc.open_stream(packed).read_all()


def _send(stream: IO[bytes], message: bytes) -> None:
    stream.write(len(message).to_bytes(_LENGTH_BYTES) + message)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes | None:
    """The next message; None where the other side has ended."""
    length = stream.read(_LENGTH_BYTES)
    message = stream.read(int.from_bytes(length))
    whole = len(length) == _LENGTH_BYTES and len(message) == int.from_bytes(length)
    return message if whole else None
