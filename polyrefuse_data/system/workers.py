"""Applies a pure function to the batches of a table, in this process and in others.

The others are independent programs that communicate over pipes: not forked, which the threads of Arrow, OpenBLAS and
torch do not survive, and without multiprocessing, which would run an unguarded script again. So it works from a script,
a notebook and `python -c` alike. A worker ends with the process that started it, however that ends, because its input
ends.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from typing import IO

import pyarrow as pa

from polyrefuse_data.errors import EngineError
from polyrefuse_data.system.streams import take_over_streams

Work = Callable[[pa.Table], pa.Table]

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from polyrefuse_data.system.workers import serve; serve()"
)
_LENGTH_BYTES = 8  # in front of every message


def map_batches(work: Work, batches: Sequence[pa.Table], workers: int) -> Generator[pa.Table, None, None]:
    """Yield `work` of every batch in order, done by this process and up to `workers - 1` others.

    `work` must be picklable: a function in a module, or a partial of one. What it raises is raised here; of several
    errors, the one of the earliest batch. Raises EngineError if a process cannot be started, or dies.
    """
    progress = _Progress(len(batches))

    def keep_up(run: Work) -> None:
        while (place := progress.take()) is not None:
            progress.finish(place, run, batches[place])

    with ExitStack() as stack:
        others = [stack.enter_context(_Process(work)) for _ in range(min(workers, len(batches)) - 1)]
        stack.callback(progress.stop)  # whatever ends this: the others take no more
        for other in others:
            threading.Thread(target=keep_up, args=[other.run], daemon=True).start()
        for place in range(len(batches)):
            while not progress.has(place) and (mine := progress.take()) is not None:
                progress.finish(mine, work, batches[mine])
            yield progress.result(place)


def serve() -> None:
    """The loop of a worker: it answers batch after batch until its input ends."""
    # Ctrl-C reaches every process of the terminal; the one that started us decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    take_over_streams()  # libraries warn on the same standard error
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    while (question := _receive(questions)) is not None:
        answer = _answer(question)
        try:
            _send(answers, answer)
        except BrokenPipeError:  # nobody reads it any more
            os._exit(1)


class _Progress:
    """Which batches are not started, each given to one thread, and the results of the others."""

    def __init__(self, count: int) -> None:
        self._waiting = iter(range(count))
        self._done: dict[int, pa.Table | Exception] = {}
        self._changed = threading.Condition()

    def take(self) -> int | None:
        """The index of the next batch to start; None if there is none."""
        with self._changed:
            return next(self._waiting, None)

    def stop(self) -> None:
        with self._changed:
            self._waiting = iter(range(0))

    def finish(self, place: int, run: Work, batch: pa.Table) -> None:
        """Do the work of a batch. After an error, no new one is started."""
        try:
            result: pa.Table | Exception = run(batch)
        except Exception as error:  # noqa: BLE001 (raised by `result`, in the caller's thread)
            result = error
            self.stop()
        with self._changed:
            self._done[place] = result
            self._changed.notify_all()

    def has(self, place: int) -> bool:
        with self._changed:
            return place in self._done

    def result(self, place: int) -> pa.Table:
        """The result of a started batch, once it is there; raises what the work raised."""
        with self._changed:
            self._changed.wait_for(lambda: place in self._done)
            result = self._done.pop(place)
        if isinstance(result, Exception):
            raise result
        return result


class _Process:
    """Another Python process that does the work. It is ended at once on leaving."""

    def __init__(self, work: Work) -> None:
        self._work = work
        path = [entry for entry in sys.path if isinstance(entry, str)]  # Python passes over any other
        command = [sys.executable, "-c", _START, json.dumps(path)]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise EngineError(f"cannot start {sys.executable!r} to check rows: {error}; pass workers=1") from error

    def __enter__(self) -> _Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, batch: pa.Table) -> pa.Table:
        """Do the work of a batch. Raises what the work raises, and EngineError if the process is gone."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            _send(self._process.stdin, pickle.dumps((self._work, _packed(batch))))
            answer = _receive(self._process.stdout)
        except BrokenPipeError:
            answer = None
        if answer is None:
            code = self._process.wait()
            raise EngineError(f"a process that checks rows exited with code {code}: out of memory? Pass workers=1")
        found, error = pickle.loads(answer)
        if error is not None:
            raise error
        return _unpacked(found)


def _answer(question: bytes) -> bytes:
    try:
        work, batch = pickle.loads(question)
        return pickle.dumps((_packed(work(_unpacked(batch))), None))
    except Exception as error:  # noqa: BLE001 (raised where the work is wanted)
        sent = _portable(error)
        sent.add_note(traceback.format_exc())
        return pickle.dumps((None, sent))


def _portable(error: Exception) -> Exception:
    """The error, or its text if it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 (the constructor of an error may do anything)
        return EngineError(f"{type(error).__name__}: {error}")
    return error


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
    """The next message; None if the other side has ended."""
    length = stream.read(_LENGTH_BYTES)
    message = stream.read(int.from_bytes(length))
    whole = len(length) == _LENGTH_BYTES and len(message) == int.from_bytes(length)
    return message if whole else None
