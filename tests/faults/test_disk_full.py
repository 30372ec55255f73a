"""A disk that is full at any write: one line that says so, exit code 4, earlier files whole; and once there is room
again the same command ends in the same bytes. On a small file system of its own, with FAULTS_KILLS sizes a command (at
most 20).
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from polyrefuse_data.demo.bundled import CHAT, bundled_model
from polyrefuse_data.errors import DiskError
from polyrefuse_data.translation.journal import Journal
from tests.faults.launcher import ROOT, Ended, Launcher
from tests.faults.test_kills import KILLS
from tests.faults.worlds import contents, make_build, make_import, make_release

PAGE = 4096
SIZES = min(KILLS, 20)
SAID = "the disk is full; free some space and run the same command again"
NOT_COMPARED = ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "ballast")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def fill_everywhere(small: Path, run: Callable[[], Ended], prepare: Callable[[], None]) -> None:
    """Run with room for all; then, for sizes from nothing to almost what that took, with that and again with more."""

    def clear() -> None:
        for path in small.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        prepare()

    def state() -> dict[str, bytes]:
        return {path: content for path, content in contents(small).items() if Path(path).name not in NOT_COMPARED}

    clear()
    room, before = free(small), state()
    first = run()
    assert first.code == 0, first.printed
    taken, wanted = room - free(small), state()
    sizes = sorted({part * (taken // PAGE - 1) // (SIZES - 1) * PAGE for part in range(SIZES)})
    for size in sizes:
        clear()
        (small / "ballast").write_bytes(bytes(free(small) - size))
        ended = run()
        errors = [line for line in ended.printed.splitlines() if "error: " in line]
        assert (ended.code, len(errors)) == (4, 1), f"{size} bytes free: {ended.printed}"
        assert errors[0].endswith(SAID), f"{size} bytes free: {ended.printed}"
        assert "Traceback" not in ended.printed
        now = state()
        assert not [path for path in now if path.endswith(".part")]
        for path, content in before.items():
            assert now[path] in (content, wanted[path]), f"{size} bytes free: {path}"
        (small / "ballast").unlink()
        again = run()
        assert again.code == 0, f"{size} bytes free: {again.printed}"
        assert state() == wanted, f"{size} bytes free"
    print(f"\n{len(sizes)} disks with 0 to {sizes[-1]} bytes free, all too small; all ended in the same bytes")


def workspace(small: Path, tmp_path: Path) -> Path:
    """A workspace on the small disk; the program that translates for it lies on another."""
    if not (tmp_path / "given").exists():
        make_build(tmp_path / "given")
    folder = small / "ws"
    folder.mkdir()
    for name in ("polyrefuse.toml", "prompts.jsonl"):
        shutil.copy(tmp_path / "given" / name, folder)
    return folder


def test_build(small: Path, tmp_path: Path, launcher: Launcher) -> None:
    fill_everywhere(
        small,
        lambda: launcher.run("build", "-c", small / "ws" / "polyrefuse.toml"),
        lambda: workspace(small, tmp_path) and None,
    )


def test_import(small: Path, tmp_path: Path, launcher: Launcher) -> None:
    file = make_import(tmp_path)
    fill_everywhere(small, lambda: launcher.run("import", file, "--out", small / "ws"), lambda: None)


def test_report(small: Path, tmp_path: Path, launcher: Launcher) -> None:
    """Over an earlier report, which stays readable whatever happens."""
    make_release(tmp_path, "1.0.0")
    rows = tmp_path / "workspace-1.0.0" / "rows.parquet"

    def prepare() -> None:
        folder = workspace(small, tmp_path)
        shutil.copy(rows, folder)
        (folder / "report").mkdir()
        for name in ("index.html", "summary.json"):
            (folder / "report" / name).write_text("the earlier one")

    fill_everywhere(small, lambda: launcher.run("report", small / "ws"), prepare)


def test_release(small: Path, tmp_path: Path, launcher: Launcher) -> None:
    make_release(tmp_path, "1.0.0")
    shutil.copytree(tmp_path / "workspace-1.0.0", tmp_path / "ready")

    def run() -> Ended:
        if (small / "release").exists():
            return Ended(0, "", 0.0)
        return launcher.run("release", small / "ws", "--version", "1.0.0", "--out", small / "release")

    fill_everywhere(small, run, lambda: shutil.copytree(tmp_path / "ready", small / "ws") and None)


@pytest.mark.slow
def test_benchmark(small: Path, tmp_path: Path, launcher: Launcher) -> None:
    release = make_release(tmp_path, "1.0.0")
    options = ("--source-languages", "en", "--max-new-tokens", 6, "--max-kl", 50, "--limit", 2)

    def run() -> Ended:
        where = ("--model", bundled_model(CHAT), "--dataset", release, "--out", small / "run")
        return launcher.run("benchmark", "run", *where, *options)

    fill_everywhere(small, run, lambda: None)


@pytest.mark.parametrize("files", range(4))
def test_a_disk_with_room_but_without_space_for_another_file(small: Path, files: int) -> None:
    """SQLite needs three: the journal, its log, and the index of that; it does not say why it cannot make one."""
    used = os.statvfs(small).f_files - os.statvfs(small).f_ffree
    remount = ["mount", "-o", f"remount,size=2m,nr_inodes={used + files}", small]
    subprocess.run(remount, check=True)
    if files < 3:
        with pytest.raises(DiskError, match="the disk is full"):
            Journal(small / "journal.sqlite")
        subprocess.run([*remount[:2], "remount,size=2m,nr_inodes=1000", small], check=True)
    Journal(small / "journal.sqlite").close()


def test_printing_to_a_full_disk() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "polyrefuse_data.cli", "languages"],
            stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False,
        )  # fmt: skip
    assert ended.returncode == 4
    assert ended.stderr.strip().endswith(SAID)


def test_a_limit_on_the_size_of_files_is_told_like_a_full_disk(tmp_path: Path) -> None:
    config = make_build(tmp_path / "ws")
    command = [sys.executable, "-m", "polyrefuse_data.cli", "build", "-c", str(config)]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, preexec_fn=limit, check=False)
    assert ended.returncode == 4, ended.stderr
    assert "ulimit -f" in ended.stderr and "Traceback" not in ended.stderr
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert ended.returncode == 0, ended.stderr
