"""Batches in other processes: the same results and errors as here, from whatever program, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from polyrefuse_data.errors import ConfigError, EngineError
from polyrefuse_data.system.workers import map_batches
from tests.patience import LONG_ENOUGH

_BATCHES = [pa.table({"number": [number]}) for number in range(6)]


def numbered(batch: pa.Table, here: int) -> pa.Table:
    """The number and the process; slow in the process `here`, so that others have some of the work."""
    print("a library that prints")
    if os.getpid() == here:
        time.sleep(0.05)
    return batch.append_column("process", pa.array([os.getpid()]))


class Odd(Exception):
    """An error that cannot be pickled: its constructor wants two arguments."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one)


def failing(batch: pa.Table, here: int, how: str) -> pa.Table:
    """Fails on every batch but those that the process `here` has."""
    if os.getpid() != here:
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise Odd("an odd error", "") if how == "odd" else ConfigError("column human: no numbers")
    time.sleep(0.05)
    return batch


@pytest.fixture
def others() -> set[psutil.Process]:
    """Processes that tests of other modules have left with this one (multiprocessing's resource tracker)."""
    return set(psutil.Process().children())


def test_batches_come_back_in_order_from_several_processes(others: set[psutil.Process]) -> None:
    found = pa.concat_tables(map_batches(partial(numbered, here=os.getpid()), _BATCHES, workers=2))
    assert found["number"].to_pylist() == list(range(6))
    assert len(set(found["process"].to_pylist())) == 2
    assert set(psutil.Process().children()) == others


def waiting_for_the_last(batch: pa.Table, here: int, mark: Path) -> pa.Table:
    """In another process, the first batch takes until all others are done here."""
    if os.getpid() == here and batch["number"][0].as_py() == 1:
        mark.touch()
    deadline = time.monotonic() + 20
    while os.getpid() != here and not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return batch.append_column("process", pa.array([os.getpid()]))


def test_a_batch_that_no_other_process_has_begun_is_taken_back(tmp_path: Path) -> None:
    work = partial(waiting_for_the_last, here=os.getpid(), mark=tmp_path / "last")
    found = pa.concat_tables(map_batches(work, _BATCHES[:3], workers=2))
    assert found["number"].to_pylist() == [0, 1, 2]
    assert found["process"].to_pylist()[1:] == [os.getpid()] * 2


def test_results_come_as_they_are_ready_and_who_stops_listening_stops_the_work(others: set[psutil.Process]) -> None:
    begun: list[int] = []

    def work(batch: pa.Table) -> pa.Table:
        begun.append(batch["number"][0].as_py())
        return batch

    results = map_batches(work, _BATCHES, workers=1)
    assert next(results)["number"].to_pylist() == [0]
    assert begun == [0]
    results.close()
    assert begun == [0]
    results = map_batches(partial(numbered, here=os.getpid()), _BATCHES, workers=2)
    next(results)
    results.close()
    assert set(psutil.Process().children()) == others


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ("known", ConfigError, "^column human: no numbers\n"),
        ("odd", EngineError, "^Odd: an odd error\n"),
        ("killed", EngineError, r"died 4 times, the last with code -9: out of memory\? pass workers=1"),
    ],
)
def test_errors_elsewhere_are_raised_here(
    how: str, kind: type[Exception], message: str, others: set[psutil.Process]
) -> None:
    with pytest.raises(kind, match=message):
        list(map_batches(partial(failing, here=os.getpid(), how=how), _BATCHES, workers=2))
    assert set(psutil.Process().children()) == others


def dying_once(batch: pa.Table, here: int, mark: Path) -> pa.Table:
    if os.getpid() != here and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return batch


def test_a_batch_of_a_killed_process_is_done_again(tmp_path: Path, others: set[psutil.Process]) -> None:
    work = partial(dying_once, here=os.getpid(), mark=tmp_path / "died")
    found = pa.concat_tables(map_batches(work, _BATCHES, workers=2))
    assert found["number"].to_pylist() == list(range(6))
    assert (tmp_path / "died").exists()
    assert set(psutil.Process().children()) == others


def test_an_error_here_comes_after_the_results_before_it() -> None:
    def work(batch: pa.Table) -> pa.Table:
        if batch["number"][0].as_py() == 2:
            raise ConfigError("two is too much")
        return batch

    results = map_batches(work, _BATCHES, workers=1)
    assert [next(results)["number"][0].as_py() for _ in range(2)] == [0, 1]
    with pytest.raises(ConfigError, match="two is too much"):
        next(results)


_BUSY = """
import time
from polyrefuse_data.system.workers import Workers

with Workers(1, "") as workers:
    workers.submit(time.sleep, 600).result()
"""


def test_a_process_amid_its_work_ends_with_the_one_that_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", _BUSY]) as program:
        deadline = time.monotonic() + 60
        while not (others := psutil.Process(program.pid).children()) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(2)  # until it has the work
        program.kill()
    gone, alive = psutil.wait_procs(others, timeout=30)
    assert gone and not alive


def test_python_that_cannot_be_started_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(EngineError, match="pass workers=1"):
        list(map_batches(partial(numbered, here=os.getpid()), _BATCHES, workers=2))


_UNGUARDED = """
from polyrefuse_data import rows
from polyrefuse_data.quality import audit, batch

batch.BATCH_ROWS = 2
given = {"id": "a", "language": "de", "text": "Nenne drei Tipps.", "text_en": "Name three tips."}
table = rows.table_from_rows([{**given, "text": f"Nenne {n} Tipps.", "id": f"r{n}"} for n in range(9)])
alone, together = audit(table, workers=1), audit(table, workers=2)
assert together.equals(alone)
print("same")
"""


def test_an_unguarded_script_may_audit_in_several_processes(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_UNGUARDED, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=LONG_ENOUGH
    )
    assert (ran.stdout, ran.returncode) == ("same\n", 0), ran.stderr


_ENDLESS = """
import time
import pyarrow as pa
from polyrefuse_data.system.workers import map_batches

class Batches(list):
    def __getitem__(self, place):
        time.sleep(0.01)
        return pa.table({"number": [place]})

list(map_batches(pa.Table.combine_chunks, Batches(range(100_000)), workers=2))
"""


def test_processes_end_with_the_one_that_started_them() -> None:
    with subprocess.Popen([sys.executable, "-c", _ENDLESS]) as program:
        deadline = time.monotonic() + 60
        while not (others := psutil.Process(program.pid).children()) and time.monotonic() < deadline:
            time.sleep(0.05)
        program.kill()
    gone, alive = psutil.wait_procs(others, timeout=LONG_ENOUGH)
    assert gone and not alive
