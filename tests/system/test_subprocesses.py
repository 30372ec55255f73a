"""Programs are ended with everything that they have started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from polyrefuse_data.system.subprocesses import run_program


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_what_goes_in_and_comes_out() -> None:
    done = run_program(["sh", "-c", "cat; echo oops >&2; exit 3"], b"text\n", 10)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"text\n", b"oops\n")


@pytest.mark.skipif(sys.platform != "linux", reason="what is left of a program is looked up in /proc")
def test_after_a_timeout_nothing_of_it_is_left(tmp_path: Path) -> None:
    """Ending the shell alone would leave the programs of its pipeline."""
    written = tmp_path / "process"
    with pytest.raises(subprocess.TimeoutExpired):
        run_program(["sh", "-c", f"(echo $$ > {written}; exec sleep 1000) | cat"], b"", 0.5)
    time.sleep(0.1)
    assert not is_alive(int(written.read_text()))


def test_a_program_that_is_not_there_is_an_error_as_ever() -> None:
    with pytest.raises(FileNotFoundError):
        run_program(["no-such-program-here"], b"", 10)
