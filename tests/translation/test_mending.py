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


def log_of(path: Path) -> Path:
    return path.with_name("journal.sqlite-wal")


def ended(path: Path) -> Path:
    """A journal as a build leaves it that has ended: its log is in the file."""
    Journal(path).close()
    return path


def garbage(path: Path, *places: float) -> None:
    """Blot out pages that hold answers, by where they are among these: 0 is the first, 0.5 the middle one."""
    content = ended(path).read_bytes()
    pages = [at for at in range(4096, len(content), 4096) if content[at] == 0x0A]  # leaves of a table WITHOUT ROWID
    for place in places:
        change(path, pages[int(place * len(pages))], b"\xff" * 4096)


DAMAGE: dict[str, tuple[Callable[[Path], object], float]] = {
    # How the file is damaged, and the share of answers that has to be left.
    "a page in the middle is garbage": (lambda path: garbage(path, 0.5), 0.95),
    "the first page of answers is garbage": (lambda path: garbage(path, 0), 0.95),
    "pages far apart are garbage": (lambda path: garbage(path, 0.2, 0.4, 0.6, 0.8), 0.1),
    "its second half is cut off": (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), 0),
    "its header is garbage": (lambda path: change(ended(path), 0, b"\xa5" * 100), 0),
    "its format is another number": (lambda path: change(ended(path), 60, b"\1"), 1),
    "it is empty beside its log": (lambda path: path.write_bytes(b""), 0),
    "it is text": (lambda path: path.write_text("not a database " * 500), 0),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_what_can_be_read_is_kept(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    damage_it, least = DAMAGE[damage]
    damage_it(path)
    before = {file.name: file.read_bytes() for file in (path, log_of(path)) if file.exists()}
    mend_journal(path)
    for name, content in before.items():
        assert path.with_name(name.replace("sqlite", "sqlite.corrupt-1")).read_bytes() == content
    assert "journal.sqlite is damaged" in caplog.text and "journal.sqlite.corrupt-1" in caplog.text
    left = known(path)
    assert left.items() <= ANSWERS.items()
    assert len(left) >= least * len(ANSWERS)
    caplog.clear()
    mend_journal(path)  # the new one is whole, also as it is after a kill
    assert not caplog.text and known(path) == left


def test_what_was_paid_is_still_known(path: Path) -> None:
    journal = Journal(path)
    paid = {"input_tokens": 7.0, "cost_usd": 0.25}
    journal.add(BACKEND, ASKED, [Translation("x", usage=paid)] * len(ASKED))
    journal.close()
    garbage(path, 0.5)
    mend_journal(path)
    journal = Journal(path)
    assert journal.usage()["engine@1"]["cost_usd"] >= 0.95 * 0.25 * len(ASKED)
    journal.close()


@pytest.mark.parametrize(("name", "most_lost"), [("journal.sqlite", 1.0), ("journal.sqlite-wal", 300.0)])
def test_no_flipped_bit_ever_becomes_an_answer(path: Path, tmp_path: Path, name: str, most_lost: float) -> None:
    """Thirty times one bit anywhere. In the file it costs an answer; SQLite leaves out the rest of a log behind it."""
    chance = random.Random(0)
    lost = []
    for number in range(30):
        folder = tmp_path / str(number)
        shutil.copytree(path.parent, folder)
        file = folder / name
        at = chance.randrange(file.stat().st_size)
        change(file, at, bytes([file.read_bytes()[at] ^ 1 << chance.randrange(8)]))
        mend_journal(folder / "journal.sqlite")
        left = known(folder / "journal.sqlite")
        assert left.items() <= ANSWERS.items(), at
        lost.append(len(ANSWERS) - len(left))
        shutil.rmtree(folder)
    assert max(lost) > 0
    assert sum(lost) / len(lost) <= most_lost
    print(f"{sum(lost) / len(lost):.2f} answers lost a flip")


def test_the_log_of_another_journal_makes_no_answer_a_wrong_one(path: Path, tmp_path: Path) -> None:
    other = Journal(tmp_path / "other" / "journal.sqlite")
    other._database.execute("PRAGMA wal_autocheckpoint = 0")
    strange = {Request(f"other {number}", EN, DE): Translation(f"anders {number}") for number in range(100)}
    other.add(BACKEND, list(strange), list(strange.values()))
    shutil.copy(log_of(other.path), log_of(path))
    other.close()
    mend_journal(path)
    journal = Journal(path)
    found = journal.find(BACKEND, [*ASKED, *strange])
    journal.close()
    assert found.items() <= (ANSWERS | strange).items()


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
