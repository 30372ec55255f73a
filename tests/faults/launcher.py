"""Commands in children of a process that has loaded the libraries already: a kill hits work and not imports, and a test
that calls ten commands does not load torch ten times.

As a program: reads a line of JSON (a command line, where its streams lead, its folder and its variables), runs it in a
fork that leads a session of its own, and answers with its process id, and then with its status.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]
GONE, CLOSED = "gone", "closed"
WARM = "tests.faults.warm"
Call = Callable[..., "subprocess.CompletedProcess[str]"]
_MOST_SECONDS = 300


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative: the signal that killed it), what it printed, how long it took."""

    code: int
    printed: str
    seconds: float


class Launcher:
    """Starts `polyrefuse` commands with `modules` imported; `log` takes what they print. A context manager."""

    def __init__(self, log: Path, *modules: str, env: dict[str, str] | None = None) -> None:
        self._log = log
        command = [sys.executable, "-m", "tests.faults.launcher", "polyrefuse_data.cli", *modules]
        pipe = subprocess.PIPE
        self._server = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=env, preexec_fn=listen_to_interrupts
        )

    def __enter__(self) -> Launcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.communicate()

    def run(
        self,
        *arguments: object,
        after: float | None = None,
        number: int = signal.SIGKILL,
        at_most: float | None = None,
        stdout: str | Path | None = None,
        stderr: str | Path | None = None,
        cwd: Path = ROOT,
        env: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run a command to its end; `after` so many seconds its process group gets the signal, if it still runs.

        One that has not ended `at_most` so many seconds after it began is killed. Its streams lead to the log, to a
        file, to nobody (GONE: a pipe whose reader has left), or are CLOSED. `env` is added to the variables of the
        launcher: what a library reads when it is imported has been read.
        """
        self._log.write_text("")
        began = time.monotonic()
        streams = [str(stream or self._log) for stream in (stdout, stderr)]
        asked = {"arguments": list(map(str, arguments)), "streams": streams, "cwd": str(cwd), "env": dict(env or {})}
        process = self._ask(json.dumps(asked))
        if after is not None:
            time.sleep(max(began + after - time.monotonic(), 0.0))
            with suppress(ProcessLookupError):
                os.killpg(process, number)
        limit = threading.Timer(at_most or 0, os.killpg, (process, signal.SIGKILL))
        if at_most is not None:
            limit.start()
        code = os.waitstatus_to_exitcode(self._ask(None))
        limit.cancel()
        return Ended(code, self._log.read_text(), time.monotonic() - began)

    def call(self, *arguments: object, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command as `subprocess.run(..., capture_output=True, text=True)` would a new process."""
        streams = [self._log.with_name(name) for name in ("stdout.txt", "stderr.txt")]
        for stream in streams:
            stream.write_text("")
        ended = self.run(*arguments, at_most=_MOST_SECONDS, stdout=streams[0], stderr=streams[1], cwd=cwd, env=env)
        return subprocess.CompletedProcess(arguments, ended.code, *(stream.read_text("utf-8") for stream in streams))

    def _ask(self, line: str | None) -> int:
        assert self._server.stdin and self._server.stdout
        if line is not None:
            print(line, file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline())


def listen_to_interrupts() -> None:
    """Undo what a shell does to programs in its background, for a child that is to be interrupted."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _serve(modules: list[str]) -> None:
    for module in modules:
        __import__(module)
    gc.freeze()  # children would look through, and so copy, all of it
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            _run(**json.loads(line))
        print(process, flush=True)
        # Left to be reaped until the end, so that the number names nobody else when the kill comes.
        print(os.waitpid(process, 0)[1], flush=True)


def _run(arguments: list[str], streams: list[str], cwd: str, env: dict[str, str]) -> None:
    from polyrefuse_data.cli import main

    os.setsid()
    os.chdir(cwd)
    os.environ.update(env)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, stream in enumerate(streams, start=1):
        if stream == GONE:
            reader, writer = os.pipe()
            os.dup2(writer, number)
            os.close(reader)
        elif stream != CLOSED:
            os.dup2(os.open(stream, os.O_WRONLY | os.O_APPEND), number)
    for number, name in enumerate(("stdout", "stderr"), start=1):
        if streams[number - 1] == CLOSED:  # as Python finds it when it starts
            os.close(number)
            setattr(sys, name, None)
    sys.argv = ["polyrefuse", *arguments]
    try:
        main()
    except SystemExit as end:  # at once: taking down a process full of libraries takes longer than most commands
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(end.code or 0))


if __name__ == "__main__":
    _serve(sys.argv[1:])
