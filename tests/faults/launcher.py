"""Commands in children of a process that has loaded the libraries already, so that a kill hits work and not imports.

As a program: reads a command line (JSON) a line, runs it in a fork that leads a session of its own, and answers with
its process id, and then with its status.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]


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
        command = [sys.executable, "-m", "tests.faults.launcher", str(log), "polyrefuse_data.cli", *modules]
        pipe = subprocess.PIPE
        self._server = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=env, preexec_fn=listen_to_interrupts
        )

    def __enter__(self) -> Launcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.communicate()

    def run(self, *arguments: object, after: float | None = None, number: int = signal.SIGKILL) -> Ended:
        """Run a command to its end; `after` so many seconds its process group gets the signal, if it still runs."""
        self._log.write_text("")
        began = time.monotonic()
        process = self._ask(json.dumps([str(argument) for argument in arguments]))
        if after is not None:
            time.sleep(max(began + after - time.monotonic(), 0.0))
            with suppress(ProcessLookupError):
                os.killpg(process, number)
        code = os.waitstatus_to_exitcode(self._ask(None))
        return Ended(code, self._log.read_text(), time.monotonic() - began)

    def _ask(self, line: str | None) -> int:
        assert self._server.stdin and self._server.stdout
        if line is not None:
            print(line, file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline())


def listen_to_interrupts() -> None:
    """Undo what a shell does to programs in its background, for a child that is to be interrupted."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _serve(log: str, modules: list[str]) -> None:
    for module in modules:
        __import__(module)
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            _run(json.loads(line), log)
        print(process, flush=True)
        # Left to be reaped until the end, so that the number names nobody else when the kill comes.
        print(os.waitpid(process, 0)[1], flush=True)


def _run(arguments: list[str], log: str) -> None:
    from polyrefuse_data.cli import main

    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["polyrefuse", *arguments]
    main()
    sys.exit()


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2:])
