"""Files and folders in the making: held by who lives, taken away after who was killed."""

from __future__ import annotations

import errno
import fcntl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polyrefuse_data.system import unfinished_files
from polyrefuse_data.system.files import atomic_write
from polyrefuse_data.system.unfinished_files import part_of

WRITER = """
import sys
from pathlib import Path
from polyrefuse_data.system.unfinished_files import part_of
with part_of(Path(sys.argv[1]), is_folder=sys.argv[2] == "folder") as part:
    (part / "half" if part.is_dir() else part).write_text("half")
    print(part, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_writer_left_goes_with_the_next_write_and_not_before(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "target"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", WRITER, target, kind], stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdout
        theirs = Path(writer.stdout.readline().strip())
        with part_of(target, is_folder=kind == "folder") as ours:
            assert theirs.exists() and ours != theirs  # its writer is at work
        assert not ours.exists()
        writer.kill()
    assert theirs.exists()
    with part_of(tmp_path / "other"):
        assert theirs.exists()  # no business of another target's writer
    with part_of(target, is_folder=kind == "folder"):
        assert not theirs.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def before_first_lock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Has something done between the making of the next part and its lock, as another process may do."""
    lock = fcntl.flock

    def interrupt_with(action: Callable[[], object]) -> None:
        def flock(handle: int, operation: int) -> None:
            monkeypatch.setattr(fcntl, "flock", lock)
            action()
            lock(handle, operation)

        monkeypatch.setattr(fcntl, "flock", flock)

    return interrupt_with


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_part_that_is_taken_for_abandoned_before_its_lock_is_made_again(
    tmp_path: Path, is_folder: bool, before_first_lock: Callable[[Callable[[], object]], None]
) -> None:
    target = tmp_path / "target"

    def another_writer() -> None:
        with part_of(target):
            pass

    before_first_lock(another_writer)
    with part_of(target, is_folder=is_folder) as part:
        assert part.exists() and part.is_dir() == is_folder
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_another_writer_holds_for_a_moment_is_made_again(
    tmp_path: Path, before_first_lock: Callable[[Callable[[], object]], None]
) -> None:
    target, holds = tmp_path / "target", []

    def about_to_remove_it() -> None:
        (part,) = unfinished_files._parts_of(target)
        holds.append(unfinished_files._hold(part))

    before_first_lock(about_to_remove_it)
    atomic_write(target, "ours")
    assert target.read_text() == "ours" and holds[0] is not None


def test_a_part_that_has_been_moved_into_place_is_nobody_s_to_remove(
    tmp_path: Path, before_first_lock: Callable[[Callable[[], object]], None]
) -> None:
    """Another writer has seen it before, opened it, and gets its lock now."""
    target, part = tmp_path / "target", tmp_path / ".target.0123abcd.part"
    part.write_text("theirs")
    before_first_lock(lambda: part.replace(target))
    unfinished_files._remove_if_nobody_holds(part)
    assert target.read_text() == "theirs"


@pytest.mark.parametrize("name", [".target.notes.part", ".target.json.0123abcd.part", ".target.0123abcd.part.txt"])
def test_files_with_names_like_parts_stay(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("somebody's")
    atomic_write(tmp_path / "target", "ours")
    assert (tmp_path / name).read_text() == "somebody's"


def test_a_part_that_cannot_be_locked_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No locks on this file system, no descriptor left, or a umask that takes our own permission away."""

    def refuse(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(OSError, match="No locks"), part_of(tmp_path / "target"):
        pass
    assert not list(tmp_path.iterdir())
