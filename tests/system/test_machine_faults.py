"""What the machine refuses ends a command with one line, never with a traceback and the code of a finding."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from polyrefuse_data import cli
from polyrefuse_data.errors import ConfigError, MachineError
from polyrefuse_data.system.machine_faults import machine_fault
from tests.faults.launcher import ROOT, Call
from tests.release.conftest import make_workspace


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (MemoryError("Unable to allocate 37.4 MiB"), MachineError, "out of memory"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"), MachineError,
         "out of memory"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:116] data. DefaultCPUAllocator: not enough memory: you tried to "
                      "allocate 8589934592 bytes."), MachineError, "out of memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), MachineError,
         "out of memory"),
        (RuntimeError("CUDA failed with error out of memory"), MachineError, "out of memory"),
        (ImportError("libctranslate2.so: failed to map segment from shared object"), MachineError, "out of memory"),
        (OSError(errno.EMFILE, "Too many open files"), MachineError, "ulimit -n"),
        (PermissionError(errno.EACCES, "Permission denied", "rel/manifest.json"), ConfigError, "rel/manifest.json: "),
        (PermissionError(errno.EACCES, "Failed to open local file 'a.parquet'"), ConfigError, "'a.parquet'"),
        (UnicodeEncodeError("utf-8", "bad\udcff/rows.parquet", 3, 4, "surrogates not allowed"), ConfigError, "rename"),
        (OSError(errno.EROFS, "Read-only file system", "ws"), ConfigError, "ws: Read-only"),
    ],
)  # fmt: skip
def test_what_libraries_say(error: Exception, kind: type[Exception], says: str) -> None:
    told = machine_fault(error)
    assert isinstance(told, kind) and says in str(told)


def test_a_name_that_the_locale_makes_unreadable_is_not_to_be_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    told = machine_fault(UnicodeEncodeError("utf-8", "w\udcc3\udca9", 1, 2, "surrogates not allowed"))
    assert "set PYTHONUTF8=1" in str(told) and "rename" not in str(told)


@pytest.mark.parametrize("command", [("status", "WS"), ("release", "WS", "--version", "1.0.0", "--out", "rel")])
def test_a_current_folder_that_was_removed_is_told(tmp_path: Path, command: tuple[str, ...]) -> None:
    workspace = make_workspace(tmp_path / "ws").path
    gone = tmp_path / "gone"
    gone.mkdir()
    program = "import os, sys; from polyrefuse_data.cli import main; os.rmdir(os.getcwd()); main()"
    arguments = [str(workspace) if argument == "WS" else argument for argument in command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=gone,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "the folder that this command was started in no longer exists" in done.stderr


@pytest.mark.parametrize("error", [ValueError("x"), RuntimeError("x"), KeyError("x"), OSError(errno.EEXIST, "x", "y")])
def test_faults_of_our_own_stay_what_they_are(error: Exception) -> None:
    assert machine_fault(error) is None


def test_a_command_without_memory_stops_part_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def exhausted() -> None:
        raise MemoryError

    monkeypatch.setattr(cli, "command", lambda: exhausted)
    monkeypatch.setattr(sys, "argv", ["polyrefuse", "check", "ws"])
    assert cli._run() == 4
    assert capsys.readouterr().err.startswith("error: out of memory")


def test_a_bug_ends_with_its_traceback_and_a_code_that_no_result_has(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def faulty() -> None:
        raise KeyError("rows")

    monkeypatch.setattr(cli, "command", lambda: faulty)
    monkeypatch.setattr(sys, "argv", ["polyrefuse", "verify", "rel"])
    assert cli._run() == 70  # 1 would say that the release differs
    said = capsys.readouterr().err
    assert "KeyError: 'rows'" in said and said.splitlines()[-1].startswith("error: this is a bug in polyrefuse-data")


@pytest.mark.parametrize(
    ("cause", "code", "says"),
    [
        (OSError(errno.EMFILE, "Too many open files"), 4, "too many open files"),
        (
            UnicodeEncodeError("utf-8", os.fsdecode(b"bad\xff/rows.parquet"), 3, 4, "surrogates not allowed"),
            2,
            "rename",
        ),
    ],
)
def test_nobody_is_told_to_remove_a_sound_file(
    cause: Exception, code: int, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def read() -> None:
        raise ConfigError("rows.parquet cannot be read: remove it and run this again") from cause

    monkeypatch.setattr(cli, "command", lambda: read)
    assert cli._run() == code
    said = capsys.readouterr().err
    assert says in said and "remove" not in said


@pytest.mark.parametrize("command", ["verify", "show"])
@pytest.mark.parametrize("name", ["x" * 300, "loop", "file/below/it", os.fsdecode(b"bad\xff")])
def test_a_path_that_leads_nowhere_is_a_usage_error(polyrefuse: Call, tmp_path: Path, command: str, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    ended = polyrefuse(command, name, cwd=tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr and ended.stderr.count("rror: ") == 1
