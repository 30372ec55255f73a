from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pytest

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.files import atomic_path, atomic_write, make_folder, read_table, write_table
from polyrefuse_data.system.locks import lock_folder
from polyrefuse_data.workspace import Workspace

TABLE = pa.table({"id": ["a", "b"], "n": [1, 2]})

needs_permissions = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    atomic_write(target, "één")
    atomic_write(target, "twee")
    assert target.read_text(encoding="utf-8") == "twee"
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


def test_an_error_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    atomic_write(target, "old")
    with pytest.raises(KeyboardInterrupt), atomic_path(target) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_files_are_as_readable_as_others(tmp_path: Path) -> None:
    atomic_write(tmp_path / "ours", "x")
    (tmp_path / "ordinary").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "one.parquet")
    write_table(TABLE, tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert read_table(tmp_path / "one.parquet", "").equals(TABLE)


def test_a_missing_table_names_the_mend(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rows.parquet does not exist: run `polyrefuse build`"):
        Workspace(tmp_path).read_rows()


@pytest.mark.parametrize("content", [b"", b"PAR1 not really PAR1"])
def test_a_broken_table_names_file_and_mend(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rows.parquet").write_bytes(content)
    with pytest.raises(ConfigError, match=r"rows.parquet cannot be read .*: run `polyrefuse build`"):
        Workspace(tmp_path).read_rows()


def test_a_second_writer_is_turned_away_and_the_lock_goes_with_its_holder(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
                import sys
                from pathlib import Path
                from polyrefuse_data.system.locks import lock_folder
                with lock_folder(Path({str(tmp_path)!r})):
                    print("held", flush=True)
                    sys.stdin.read()
            """),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match="another polyrefuse process is writing here"), Workspace(tmp_path).lock():
            pass
        holder.kill()  # no chance to tidy up
    with Workspace(tmp_path).lock():
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="has no flock")
@pytest.mark.parametrize("left", [False, True], ids=["new folder", "with a lock file"])
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK], ids=errno.errorcode.get)
def test_a_file_system_without_locks_is_no_second_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, left: bool
) -> None:
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    if left:
        (tmp_path / ".lock").write_bytes(b"")  # copied along with the folder
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(ConfigError, match="this file system has no locks; choose"), lock_folder(tmp_path):
        pass


@pytest.mark.parametrize(
    "content", [b"", b"1\n", b"\xff\x00garbage", str(os.getpid()).encode()], ids=["empty", "1", "garbage", "own"]
)
def test_what_is_in_a_lock_file_makes_no_difference(tmp_path: Path, content: bytes) -> None:
    """Nobody holds it: a number in it is that of a process that has died, or that is another one by now."""
    (tmp_path / ".lock").write_bytes(content)
    with lock_folder(tmp_path), pytest.raises(ConfigError, match="another"), lock_folder(tmp_path):
        pass


def test_the_lock_holds_within_a_process_too(tmp_path: Path) -> None:
    with lock_folder(tmp_path), pytest.raises(ConfigError, match="another"), lock_folder(tmp_path):
        pass


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody can write")
def test_a_folder_in_which_nobody_can_write_is_named() -> None:
    with pytest.raises(ConfigError, match="cannot create this folder"):
        make_folder(Path("/proc/polyrefuse"))
    with pytest.raises(ConfigError, match="cannot write this file"):
        atomic_write(Path("/proc/polyrefuse.txt"), "x")


@needs_permissions
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ConfigError, match="cannot write"):
            atomic_write(tmp_path / "file", "x")
        with pytest.raises(ConfigError, match="cannot write here"), lock_folder(tmp_path):
            pass
        with pytest.raises(ConfigError, match="cannot create this folder"):
            make_folder(tmp_path / "new")
    finally:
        tmp_path.chmod(0o700)


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(ConfigError, match="cannot create this folder"):
        make_folder(tmp_path / "taken" / "below")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="a folder has its name"):
        atomic_write(tmp_path / "folder", "x")
