"""Progress: bars on a terminal, elsewhere a plain line every thirty seconds at most; of whatever library."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyrefuse_data.system import progress as progress_module
from polyrefuse_data.system import verbosity
from polyrefuse_data.system.progress import progress, tracked, tracked_parts
from polyrefuse_data.system.verbosity import Verbosity
from tests.faults.launcher import ROOT


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    found = Clock()
    monkeypatch.setattr(progress_module.time, "monotonic", found)
    monkeypatch.setattr(progress_module, "_line", progress_module._Line())
    yield found


def test_a_line_every_thirty_seconds_at_most(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("build", "rows", 1000) as outer, progress("  nllb", "texts", 50, done=10) as inner:
        for second in range(100):
            clock.now = 1000.0 + second
            outer.update(2)
            inner.update(0)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "build: 62 of 1000 rows, about 8 min left; nllb: 10 of 50 texts",
        "build: 122 of 1000 rows, about 7 min left; nllb: 10 of 50 texts",
        "build: 182 of 1000 rows, about 7 min left; nllb: 10 of 50 texts",
    ]


def test_one_row_of_many_says_nothing_of_what_is_left(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("verify", "rows", 2016) as bar:
        for count in (1, 1, 100):
            bar.update(count)
            clock.now += 42.0
    assert capsys.readouterr().err.splitlines() == [
        "verify: 2 of 2016 rows",
        "verify: 102 of 2016 rows, about 26 min left",
    ]


def test_many_short_steps_together_are_told_of(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(10):
        for _ in tracked(range(4), "baseline", "parts", 4):
            clock.now += 2.5
    assert len(capsys.readouterr().err.splitlines()) == 3  # a hundred seconds, none of the steps over ten


def test_a_stage_is_told_of_as_it_begins(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(tracked_parts("ab", "directions")) == ["a", "b"]
    assert list(tracked_parts("", "jailbreaks")) == []
    assert capsys.readouterr().err == "directions: 0 of 2 parts\n"


def test_a_line_is_printed_also_while_nothing_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first part of a stage may take an hour: until it was done, nothing was printed."""
    monkeypatch.setattr(progress_module, "_line", progress_module._Line())
    monkeypatch.setattr(progress_module, "SECONDS_BETWEEN_LINES", 0.05)
    seen = ""
    with progress("baseline", "replies", 100):
        deadline = time.monotonic() + 10
        while not seen and time.monotonic() < deadline:
            time.sleep(0.02)
            seen = capsys.readouterr().err
    assert seen.startswith("baseline: 0 of 100 replies\n")


def test_what_is_done_in_time_is_not_told(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(tracked(iter("abc"), "verify", "rows", 3)) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""


def test_a_total_may_be_unknown_and_an_error_ends_it(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), progress("read", "rows", None) as bar:
        bar.update(5)
        clock.now += 31
        bar.update(5)
        raise KeyError
    assert capsys.readouterr().err == "read: 10 rows\n"
    assert progress_module._line.under_way == []


def test_quiet_is_silent(clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbosity, "_current", Verbosity.QUIET)
    with progress("build", "rows", 10) as bar:
        clock.now += 100
        bar.update(5)
    verbosity.note("a heading")
    assert capsys.readouterr().err == ""


# Our bars, nested, and those of every library that draws some, while a command has the streams.
BARS = """
import sys, time
from polyrefuse_data.system.streams import take_over_streams
from polyrefuse_data.system.verbosity import Verbosity, set_verbosity
take_over_streams()
set_verbosity(Verbosity.NORMAL)
from polyrefuse_data.system.progress import progress, tracked, tracked_parts
for _ in tracked(range(3), "outer", "parts", 3):
    for _ in tracked(range(3), "inner", "parts", 3, stays=False):
        time.sleep(0.05)
import datasets, huggingface_hub.utils, transformers.utils.logging
datasets.Dataset.from_dict({"a": list(range(2000))}).map(lambda row: row, batch_size=10)
for _ in huggingface_hub.utils.tqdm(range(3)):
    time.sleep(0.05)
for _ in transformers.utils.logging.tqdm(range(3)):
    time.sleep(0.05)
"""


def test_nobody_s_bar_gets_into_a_log(tmp_path: Path) -> None:
    with (tmp_path / "log.txt").open("wb") as log:
        subprocess.run([sys.executable, "-c", BARS], stdout=log, stderr=log, cwd=ROOT, check=True)
    assert (tmp_path / "log.txt").read_bytes() == b""


def test_a_terminal_gets_bars(tmp_path: Path) -> None:
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))  # one of no size shows nothing
    program = BARS.partition("import datasets")[0]
    with subprocess.Popen([sys.executable, "-c", program], stdout=there, stderr=there, cwd=ROOT) as process:
        os.close(there)
        seen = b""
        try:
            while chunk := os.read(here, 10_000):
                seen += chunk
        except OSError:  # what Linux says when the other side has ended
            pass
    os.close(here)
    assert process.returncode == 0
    assert b"outer: 100%" in seen and b"inner:" in seen


def test_tqdm_has_one_home() -> None:
    users = [path.name for path in (ROOT / "polyrefuse_data").rglob("*.py") if "import tqdm" in path.read_text()]
    assert users == ["progress.py"]
