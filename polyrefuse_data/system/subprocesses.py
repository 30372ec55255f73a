"""Runs foreign programs so that none is left behind: each in its own process group, ended as a whole."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

_running: set[int] = set()  # process groups


def run_program(
    command: Sequence[str], fed: bytes, timeout: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a program with this input and capture its output; `environment` replaces ours.

    Whatever ends the wait early (the timeout, a signal to us) ends the program and everything it has started, because
    many are shell scripts around a pipeline. Raises subprocess.TimeoutExpired after `timeout` seconds.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, process_group=0) as program:
        _running.add(program.pid)
        try:
            output, errors = program.communicate(fed, timeout)
        except BaseException:
            _end(program.pid)
            raise
        finally:
            _running.discard(program.pid)
    return subprocess.CompletedProcess(command, program.returncode, output, errors)


def end_programs() -> None:
    """End every running program, from any thread."""
    for group in tuple(_running):
        _end(group)


def _end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
