"""A build whose journal is damaged says so, sets it aside, asks again what is lost, and ends in the right rows."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cases import every_second
from tests.faults.launcher import Launcher
from tests.faults.worlds import contents, make_build


def flip(path: Path, times: int = 40) -> None:
    """Other bytes in places all over the file."""
    chance = random.Random(0)
    damaged = bytearray(path.read_bytes())
    for _ in range(times):
        damaged[chance.randrange(len(damaged))] ^= chance.randrange(1, 256)
    path.write_bytes(damaged)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "flipped bytes": flip,
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "a header of garbage": lambda path: path.write_bytes(b"\xa5" * 100 + path.read_bytes()[100:]),
    "all garbage": lambda path: path.write_bytes(random.Random(0).randbytes(20_000)),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, launcher: Launcher) -> Path:
    folder = tmp_path_factory.mktemp("built") / "ws"
    assert launcher.run("build", "-c", make_build(folder)).code == 0
    return folder


def results(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(folder).items() if name.endswith(".parquet")}


@pytest.mark.parametrize("damage", every_second(DAMAGE))
def test_the_rows_are_right_all_the_same(built: Path, launcher: Launcher, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "ws"
    shutil.copytree(built, folder)
    for name in results(folder):
        (folder / name).unlink()
    DAMAGE[damage](folder / "journal.sqlite")
    ended = launcher.run("build", "-c", folder / "polyrefuse.toml")
    assert ended.code == 0, ended.printed
    assert ended.printed.count("is damaged") == 1 and "journal.sqlite.corrupt-1" in ended.printed
    assert results(folder) == results(built)
    ended = launcher.run("build", "-c", folder / "polyrefuse.toml")
    assert ended.code == 0 and "is damaged" not in ended.printed


def test_what_no_page_shows_any_more_is_taken_from_the_rows(built: Path, launcher: Launcher, tmp_path: Path) -> None:
    folder = tmp_path / "ws"
    shutil.copytree(built, folder)
    DAMAGE["all garbage"](folder / "journal.sqlite")
    asked = (built / "asked.txt").read_text()
    ended = launcher.run("build", "-c", folder / "polyrefuse.toml")
    assert ended.code == 0, ended.printed
    assert "kept 0 readable answers and took 48 from the rows" in ended.printed
    assert results(folder) == results(built)
    assert (built / "asked.txt").read_text() == asked  # of nobody


@pytest.mark.parametrize("left", ["nothing", "an empty file"])
def test_a_journal_that_is_gone_is_begun_anew(built: Path, launcher: Launcher, tmp_path: Path, left: str) -> None:
    folder = tmp_path / "ws"
    shutil.copytree(built, folder)
    (folder / "journal.sqlite").unlink()
    if left == "an empty file":
        (folder / "journal.sqlite").touch()
    assert launcher.run("build", "-c", folder / "polyrefuse.toml").code == 0
    assert results(folder) == results(built)
