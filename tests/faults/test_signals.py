"""SIGINT and SIGTERM stop any command within five seconds: exit code 4, one line, and no process left behind."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.cases import quick
from tests.faults.launcher import ROOT, listen_to_interrupts
from tests.faults.worlds import contents, make_build, make_release, write_config
from tests.patience import LONG_ENOUGH, in_time

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is left of a command is looked up in /proc")

MOST_SECONDS = 5.0
SAID = "stopped; run again to resume"


class Command:
    """A command line in a session of its own, which is how its children are found again."""

    def __init__(self, *arguments: object, code: str | None = None, env: dict[str, str] | None = None) -> None:
        program = ["-c", code] if code else ["-m", "polyrefuse_data.cli"]
        self.process = subprocess.Popen(
            [sys.executable, *program, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
            start_new_session=True,
            preexec_fn=listen_to_interrupts,
        )

    def wait_for(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + LONG_ENOUGH
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                pytest.fail(f"it never came to the place where it is stopped: {self.process.communicate()[1]}")
            time.sleep(0.01)

    def members(self) -> list[int]:
        """The processes of our session that are not dead."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except (OSError, ValueError):
                continue
            if int(session) == self.process.pid and state not in "ZX":
                found.append(int(entry.name))
        return found

    def stop(self, *numbers: int, within: float = MOST_SECONDS) -> float:
        """Send the signals; the seconds until it ended, as it should and in time."""
        began = time.monotonic()
        for number in numbers:
            self.process.send_signal(number)
            time.sleep(0.2 if len(numbers) > 1 else 0)
        _, errors = self.process.communicate(timeout=LONG_ENOUGH)
        seconds, ended_soon = time.monotonic() - began, in_time(began, within)
        assert self.process.returncode == 4, errors
        assert errors.splitlines()[-1] == SAID
        assert errors.count(SAID) == 1
        assert "Traceback" not in errors
        assert ended_soon, f"it took {seconds:.1f} s"
        while self.members() and time.monotonic() - began < LONG_ENOUGH:
            time.sleep(0.05)  # helpers of multiprocessing end when they see that we have
        assert self.members() == []
        return seconds


def hanging(marker: Path) -> str:
    """A shell script that hangs over a text, and so does what it starts; it makes a file first."""
    return f'read -r line; [ -n "$line" ] || exit 0; touch {marker}; sleep 1000 | cat'


@pytest.mark.parametrize("number", quick([signal.SIGINT], [signal.SIGTERM]))
def test_waiting_for_a_program_that_hangs(tmp_path: Path, number: int) -> None:
    marker = tmp_path / "started"
    command = Command("build", "-c", make_build(tmp_path / "ws", ["sh", "-c", hanging(marker)]))
    command.wait_for(marker.exists)
    command.stop(number, within=2)  # there is no long call to wait for
    assert not [path for path in contents(tmp_path / "ws") if path.endswith(".part")]


def test_worker_processes_go_with_it(tmp_path: Path) -> None:
    """The first of two shards is with a worker process that checks it when the program hangs over the second."""
    marker, runs = tmp_path / "started", tmp_path / "runs"
    first_shard = 2 * 2 * 2  # batches of four of its six texts, two languages, there and back
    known = first_shard + 2  # runs: two were to see whether the program can be used at all, there and back
    script = f"echo >> {runs}; if [ $(wc -l < {runs}) -le {known} ]; then exec cat; fi; {hanging(marker)}"
    command = Command("build", "-c", make_build(tmp_path / "ws", ["sh", "-c", script], shards=2))
    command.wait_for(marker.exists)
    command.wait_for(lambda: len(command.members()) > 4)  # itself, the script and its two programs, and a worker
    command.stop(signal.SIGTERM)


@contextmanager
def silent_server() -> Iterator[tuple[str, Callable[[], bool]]]:
    """An HTTP server that takes connections and never answers; its address, and whether somebody has asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        taken: list[socket.socket] = []

        def was_asked() -> bool:
            try:
                taken.append(server.accept()[0])
            except BlockingIOError:
                return False
            return True

        yield f"http://127.0.0.1:{server.getsockname()[1]}", was_asked
        for connection in taken:
            connection.close()


@pytest.mark.parametrize("number", quick([signal.SIGTERM], [signal.SIGINT]))
def test_waiting_for_an_api_that_hangs(tmp_path: Path, number: int) -> None:
    make_build(tmp_path / "ws")
    with silent_server() as (address, was_asked):
        backend = (
            f'{{ engine = "openai", model = "m", base_url = "{address}/v1", api_key_env = "", timeout_seconds = 600 }}'
        )
        command = Command("build", "-c", write_config(tmp_path / "ws", backend))
        command.wait_for(was_asked)
        command.stop(number)


def test_waiting_for_a_hub_that_hangs(tmp_path: Path) -> None:
    release = make_release(tmp_path, "1.0.0", each=1)
    with silent_server() as (address, was_asked):
        environment = {"HF_TOKEN": "hf_x", "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_TELEMETRY": "1"}
        command = Command("publish", release, "--repo-id", "a/b", "--endpoint", address, env=environment)
        command.wait_for(was_asked)
        command.stop(signal.SIGINT)


# `verify` in the place of whose work stands one call into a library that hears no signal: the C library's wait for a
# lock which nobody will let go.
LONG_CALL = """
import ctypes
import sys
import polyrefuse_data.release
from polyrefuse_data.cli import main

def verify(where):
    library, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    library.pthread_mutex_lock(mutex)
    (where / "begins").touch()
    library.pthread_mutex_lock(mutex)

polyrefuse_data.release.verify_release = verify
sys.argv = ["polyrefuse", "verify", sys.argv[1]]
main()
"""


def test_inside_a_long_call_of_a_library(tmp_path: Path) -> None:
    command = Command(tmp_path, code=LONG_CALL)
    command.wait_for((tmp_path / "begins").exists)
    assert command.stop(signal.SIGTERM) > 2  # it was given its time to end by itself


def test_a_second_signal_ends_a_long_call_at_once(tmp_path: Path) -> None:
    command = Command(tmp_path, code=LONG_CALL)
    command.wait_for((tmp_path / "begins").exists)
    command.stop(signal.SIGINT, signal.SIGINT, within=2)


def test_printing_to_a_reader_that_does_not_read() -> None:
    command = Command("languages", "--all", "--json")
    assert command.process.stdout
    room = fcntl.fcntl(command.process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    command.wait_for(lambda: _unread(command.process.stdout) == room)
    command.stop(signal.SIGTERM)


def _unread(pipe: IO[str]) -> int:
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"0000"))[0]


def test_a_signal_that_the_caller_wants_ignored_is_ignored(tmp_path: Path) -> None:
    """`nohup polyrefuse build &` goes on when the terminal is closed."""
    marker = tmp_path / "started"
    config = make_build(tmp_path / "ws", ["sh", "-c", f"[ -e {marker} ] || {{ touch {marker}; sleep 1; }}; cat"])
    process = subprocess.Popen(
        ["nohup", sys.executable, "-m", "polyrefuse_data.cli", "build", "-c", str(config)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not marker.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGHUP)
    _, errors = process.communicate(timeout=LONG_ENOUGH)
    assert process.returncode == 1, errors  # it came to its end: `cat` translates nothing
    assert "no row of de was accepted" in errors
