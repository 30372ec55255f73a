"""Damaged journals: every kind of damage is found, what can be read is kept, and only the rest is asked again."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from polyrefuse_data.errors import ConfigError, TranslationError
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Request, Result, Translation
from polyrefuse_data.translation.base import Identity
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.translation.mending import mend_journal

BACKEND = Identity("engine@1", {"engine": "test"})
EN, DE = language("en"), language("de")
# Short and long ones: a third of these do not fit on a page of the file.
ASKED = [Request(f"text {number} " + "ä" * (number % 30) * 90, EN, DE) for number in range(600)]
ANSWERS: dict[Request, Result] = {
    request: Failure("refused") if number % 50 == 0 else Translation(f"Antwort {number} " + "ü" * (number % 20) * 40)
    for number, request in enumerate(ASKED)
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal as kill -9 leaves it: half of it in the file, half in its write-ahead log."""
    folder = tmp_path_factory.mktemp("whole")
    journal = Journal(folder / "journal.sqlite")
    add(journal, ASKED[:300])
    journal._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    journal._database.execute("PRAGMA wal_autocheckpoint = 0")
    add(journal, ASKED[300:])
    copied = tmp_path_factory.mktemp("killed")
    for name in ("journal.sqlite", "journal.sqlite-wal"):
        shutil.copy(folder / name, copied / name)
    journal.close()
    return copied


def add(journal: Journal, requests: list[Request]) -> None:
    for start in range(0, len(requests), 30):
        batch = requests[start : start + 30]
        journal.add(BACKEND, batch, [ANSWERS[request] for request in batch])


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "ws")
    return tmp_path / "ws" / "journal.sqlite"


def known(path: Path) -> dict[Request, Result]:
    journal = Journal(path)
    found = journal.find(BACKEND, ASKED)
    journal.close()
    return found


def change(path: Path, at: int, new: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(new)


def test_a_whole_journal_is_left_alone(path: Path) -> None:
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    mend_journal(path)
    assert {file.name: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")} == before
    assert known(path) == ANSWERS


def without_log(path: Path) -> Path:
    """As a build leaves it that has ended: here, with the half of the answers that are in the file."""
    path.with_name("journal.sqlite-wal").write_bytes(b"")
    return path


DAMAGE: dict[str, tuple[Callable[[Path], object], float]] = {
    # How the file is damaged, and the share of answers that has to be left.
    "its header is garbage": (lambda path: change(without_log(path), 0, b"\xa5" * 100), 0.5),
    "its first page is zeros": (lambda path: change(without_log(path), 0, bytes(4096)), 0.5),
    "its format is another number": (lambda path: change(without_log(path), 60, b"\1"), 0.5),
    "a page in the middle is zeros": (lambda path: change(path, 12 * 4096, bytes(4096)), 0.9),
    "a page in the middle is garbage": (lambda path: change(path, 12 * 4096, random.Random(0).randbytes(4096)), 0.9),
    "its second half is cut off": (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), 0.6),
    "it is empty beside its log": (lambda path: path.write_bytes(b""), 0.4),
    "a frame of its log is garbage": (
        lambda path: change(path.with_name("journal.sqlite-wal"), 90_000, random.Random(0).randbytes(2000)),
        0.95,
    ),
    "it is text": (lambda path: path.write_text("not a database " * 500), 0.4),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_what_can_be_read_is_kept(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    damage_it, least = DAMAGE[damage]
    damage_it(path)
    damaged, log = path.read_bytes(), path.with_name("journal.sqlite-wal").read_bytes()
    mend_journal(path)
    assert path.with_name("journal.sqlite.corrupt-1").read_bytes() == damaged
    assert path.with_name("journal.sqlite.corrupt-1-wal").read_bytes() == log
    assert "journal.sqlite is damaged" in caplog.text and "journal.sqlite.corrupt-1" in caplog.text
    left = known(path)
    assert left.items() <= ANSWERS.items()
    assert len(left) >= least * len(ANSWERS)
    caplog.clear()
    mend_journal(path)  # the new one is whole, also as it is after a kill
    assert not caplog.text and known(path) == left


def test_what_was_paid_is_still_known(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    paid = {"input_tokens": 7.0, "cost_usd": 0.25}
    journal.add(BACKEND, ASKED[:4], [Translation("x", usage=paid)] * 4)
    before = journal.usage()
    journal.close()
    change(path, 0, bytes(100))
    mend_journal(path)
    journal = Journal(path)
    assert journal.usage() == before == {"engine@1": {"input_tokens": 28.0, "cost_usd": 1.0}}
    journal.close()


def test_no_flipped_bit_ever_becomes_an_answer(path: Path, tmp_path: Path) -> None:
    """Forty times one bit anywhere in the file or its log: the answers that are left are the true ones."""
    chance = random.Random(0)
    lost = found = 0
    for number in range(40):
        folder = tmp_path / str(number)
        shutil.copytree(path.parent, folder)
        file = folder / chance.choice(["journal.sqlite", "journal.sqlite-wal"])
        at = chance.randrange(file.stat().st_size)
        change(file, at, bytes([file.read_bytes()[at] ^ 1 << chance.randrange(8)]))
        mend_journal(folder / "journal.sqlite")
        found += (folder / "journal.sqlite.corrupt-1").exists()
        left = known(folder / "journal.sqlite")
        assert left.items() <= ANSWERS.items(), (file.name, at)
        lost += len(ANSWERS) - len(left)
        shutil.rmtree(folder)
    assert lost <= 40 * 2  # an entry on a page, a page, or the last batch of the log
    assert found > 10  # the others hit free space, or a page of the file of which the log has a newer one
    print(f"{found} of 40 flips were found out, {lost / 40:.2f} answers lost a flip")


def test_the_log_of_another_journal_is_not_mixed_in(path: Path, tmp_path: Path) -> None:
    other = Journal(tmp_path / "other" / "journal.sqlite")
    other._database.execute("PRAGMA wal_autocheckpoint = 0")
    strange = {Request(f"other {number}", EN, DE): Translation(f"anders {number}") for number in range(100)}
    other.add(BACKEND, list(strange), list(strange.values()))
    shutil.copy(tmp_path / "other" / "journal.sqlite-wal", path.with_name("journal.sqlite-wal"))
    other.close()
    mend_journal(path)
    assert path.with_name("journal.sqlite.corrupt-1").exists()
    left = known(path)
    assert left.items() <= ANSWERS.items()
    assert len(left) >= 290  # those in the file; the ones in the log that was overwritten are gone


def test_one_that_was_killed_while_it_was_made_is_no_damage(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    new = path.with_name("new.sqlite")
    new.touch()
    mend_journal(new)
    assert not caplog.text and known(new) == {}


def test_damage_that_comes_while_a_build_runs_stops_it_and_says_what_to_do(path: Path) -> None:
    journal = Journal(path)
    journal._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for page in range(1, path.stat().st_size // 4096):
        change(path, page * 4096, b"\xff" * 4096)
    journal._database.execute("PRAGMA cache_size = 0")
    with pytest.raises(TranslationError, match="run `polyrefuse build` again"):
        journal.find(BACKEND, ASKED)
    journal.close()


def test_the_journal_of_another_version_is_named_and_left_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    database = sqlite3.connect(path)
    database.executescript("CREATE TABLE answers (text TEXT); PRAGMA user_version = 99;")
    database.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="written by another version"):
        mend_journal(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
