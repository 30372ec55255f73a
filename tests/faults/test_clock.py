"""A clock that is wrong and runs backwards, and files from the past and the future, change no byte of any result."""

from __future__ import annotations

import email.utils
import os
import shutil
import time
from pathlib import Path

import pytest

from polyrefuse_data.config import load_config
from polyrefuse_data.endpoints.api_errors import ApiError
from polyrefuse_data.endpoints.limits import RateLimits
from polyrefuse_data.endpoints.session import Response
from polyrefuse_data.pipeline.build import build
from polyrefuse_data.quality import write_report
from polyrefuse_data.release import write_release
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.workspace import Workspace
from tests.faults.worlds import contents, make_build

YEAR = 365 * 86400.0


def make_everything(folder: Path) -> dict[str, bytes]:
    """What build, report and release make in a workspace, but for the journal."""
    workspace = Workspace(folder)
    build(workspace, load_config(workspace.config), progress=False)
    write_report(workspace)
    write_release(workspace, version="1.0.0", out=folder / "release")
    made = contents(folder)
    del made["journal.sqlite"], made["asked.txt"]
    return made


def test_a_clock_that_runs_backwards_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_build(tmp_path / "ws")
    shutil.copytree(tmp_path / "ws", tmp_path / "given")
    wanted = make_everything(tmp_path / "ws")
    shutil.rmtree(tmp_path / "ws")
    shutil.copytree(tmp_path / "given", tmp_path / "ws")
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began - 10 * YEAR - 100 * (time.monotonic() % 1000))
    monkeypatch.setattr(time, "time_ns", lambda: int(time.time() * 1e9))
    assert make_everything(tmp_path / "ws") == wanted


@pytest.mark.parametrize("stamp", [0.0, 2**32 - 1.0], ids=["1970", "2106"])
def test_the_times_of_files_decide_nothing(tmp_path: Path, stamp: float) -> None:
    """A build goes on from files of any age: nothing is newer than something else, it is there or it is not."""
    config = load_config(make_build(tmp_path / "ws"))
    build(Workspace(tmp_path / "ws"), config, progress=False)
    wanted = (tmp_path / "ws" / "rows.parquet").read_bytes()
    asked = (tmp_path / "ws" / "asked.txt").read_text()
    for path in (tmp_path / "ws").iterdir():
        os.utime(path, (stamp, stamp))
    build(Workspace(tmp_path / "ws"), config, progress=False)
    assert (tmp_path / "ws" / "rows.parquet").read_bytes() == wanted
    assert (tmp_path / "ws" / "asked.txt").read_text() == asked
    Journal(tmp_path / "ws" / "journal.sqlite").close()


def test_limits_of_a_rate_do_not_look_at_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = RateLimits(60, None)
    monkeypatch.setattr(time, "time", lambda: -10 * YEAR)
    limits.pause(0.5)
    assert 0 < limits.reserve(1) <= 0.5


@pytest.mark.parametrize("years", [-10, 10])
def test_a_date_to_come_back_at_is_by_the_clock_of_who_gives_it(monkeypatch: pytest.MonkeyPatch, years: int) -> None:
    """Our clock is wrong by years; the API says when it is there, and when to come back."""
    now = 1_700_000_000
    headers = {name: email.utils.formatdate(at, usegmt=True) for name, at in (("date", now), ("retry-after", now + 7))}
    monkeypatch.setattr(time, "time", lambda: now + years * YEAR)
    assert ApiError.of_response(Response(429, headers, b'{"error": "slow down"}')).retry_after == 7.0
