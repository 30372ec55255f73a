"""A pure function over the batches of a table, in this process and in others beside it.

The others are programs of their own that speak over pipes: no fork, which the threads of Arrow, OpenBLAS and torch do
not survive, and no multiprocessing, which would run an unguarded script once more. So it works from a script, a
notebook and `python -c` alike. A process ends when the one that started it does, however that ends: its input is at an
end then.
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
from collections.abc import Callable, Iterator, Sequence
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


def map_batches(work: Work, batches: Sequence[pa.Table], workers: int) -> list[pa.Table]:
    """`work` of every batch, in their order, done by this process and up to `workers - 1` others.

    `work` must be picklable: a function of a module, or a partial of one. What it raises is raised here, of several
    errors the one of the earliest batch. Raises EngineError where a process cannot be started, or dies.
    """
    done: dict[int, pa.Table] = {}
    errors: dict[int, Exception] = {}
    queue = _Queue(len(batches))

    def keep_up(run: Work) -> None:
        for place in queue:
            try:
                done[place] = run(batches[place])
            except Exception as error:  # noqa: BLE001 (raised below, in the caller's thread)
                errors[place] = error
                queue.stop()

    with ExitStack() as stack:
        others = [stack.enter_context(_Process(work)) for _ in range(min(workers, len(batches)) - 1)]
        threads = [threading.Thread(target=keep_up, args=[other.run], daemon=True) for other in others]
        for thread in threads:
            thread.start()
        keep_up(work)
        for thread in threads:
            thread.join()
    if errors:
        raise errors[min(errors)]
    return [done[place] for place in range(len(batches))]


def serve() -> None:
    """What another process does: it answers batch after batch until its input ends."""
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


class _Queue:
    """The places of the batches that nobody has begun; each goes to one thread."""

    def __init__(self, count: int) -> None:
        self._places = iter(range(count))
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[int]:
        while (place := self._next()) is not None:
            yield place

    def stop(self) -> None:
        with self._lock:
            self._places = iter(range(0))

    def _next(self) -> int | None:
        with self._lock:
            return next(self._places, None)


class _Process:
    """Another Python that does the work. On leaving it is ended at once."""

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
        """The work of a batch. Raises what the work raises, and EngineError where the process is no more."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            _send(self._process.stdin, pickle.dumps((self._work, _packed(batch))))
            answer = _receive(self._process.stdout)
        except BrokenPipeError:
            answer = None
        if answer is None:
            code = self._process.wait()
            raise EngineError(f"a process that checks rows ended with code {code}: out of memory? Pass workers=1")
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
    """The error, or its text where it cannot be sent."""
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
    """The next message; None where the other side has ended."""
    length = stream.read(_LENGTH_BYTES)
    message = stream.read(int.from_bytes(length))
    whole = len(length) == _LENGTH_BYTES and len(message) == int.from_bytes(length)
    return message if whole else None
