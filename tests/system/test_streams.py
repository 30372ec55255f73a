"""The streams of a command below the command line: slow readers, many threads, bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.faults.launcher import ROOT

MUCH = 300_000  # bytes, more than a pipe holds

PROGRAM = """
import sys
from polyrefuse_data.system.streams import lost_output, take_over_streams
take_over_streams()
"""


def test_a_reader_that_made_the_pipe_non_blocking_gets_all_of_it() -> None:
    """As node and ssh do with a terminal that others share."""
    program = PROGRAM + f"print('x' * {MUCH}); assert lost_output() is None"
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen([sys.executable, "-c", program], stdout=writer, cwd=ROOT) as process:
        os.close(writer)
        time.sleep(0.5)
        with os.fdopen(reader, "rb") as stream:
            assert len(stream.read()) == MUCH + 1
    assert process.returncode == 0


def test_unbuffered_streams_are_whole_too() -> None:
    program = PROGRAM + f"print('x' * {MUCH}); print('end')"
    done = subprocess.run([sys.executable, "-u", "-c", program], capture_output=True, cwd=ROOT, check=True)
    assert len(done.stdout) == MUCH + 5


def test_lost_output_is_told_once_and_the_process_goes_on() -> None:
    program = PROGRAM + "print('x'); first = lost_output(); print(first, lost_output(), file=sys.stderr)"
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, cwd=ROOT, check=False
        )
    assert (done.returncode, done.stderr) == (0, b"[Errno 28] No space left on device None\n")
