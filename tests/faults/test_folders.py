"""Folders that somebody else works in, or in which we may not write: said at once, and nothing is harmed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from polyrefuse_data.demo.bundled import CHAT, bundled_model
from polyrefuse_data.workspace import Workspace
from tests.faults.launcher import ROOT, Call
from tests.faults.worlds import contents, make_build, make_release
from tests.patience import LONG_ENOUGH

NOTHING_ACCEPTED = 1  # what a build ends with whose translations are the English over again


def program(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "polyrefuse_data.cli", *map(str, arguments)]


def start(*arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(
        program(*arguments), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def finishes(process: subprocess.Popen[str], code: int = 0) -> None:
    _, errors = process.communicate(timeout=LONG_ENOUGH)
    assert process.returncode == code, errors


def is_turned_away(second: subprocess.CompletedProcess[str]) -> None:
    assert second.returncode == 2, second.stderr
    (line,) = [line for line in second.stderr.splitlines() if line.startswith("error: ")]
    assert "another polyrefuse process is writing here" in line


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)


def test_a_second_build_in_a_folder_is_turned_away_and_the_first_unharmed(polyrefuse: Call, tmp_path: Path) -> None:
    alone = make_build(tmp_path / "alone", ["cat"])
    assert polyrefuse("build", "-c", alone).returncode == NOTHING_ACCEPTED
    marker, go_on = tmp_path / "started", tmp_path / "go on"
    waiting = f"touch '{marker}'; while [ ! -e '{go_on}' ]; do sleep 0.01; done; cat"
    config = make_build(tmp_path / "ws", ["sh", "-c", waiting])
    first = start("build", "-c", config)
    wait_for(marker)
    is_turned_away(polyrefuse("build", "-c", config))
    go_on.touch()
    finishes(first, NOTHING_ACCEPTED)
    assert Workspace(tmp_path / "ws").read_rows().equals(Workspace(tmp_path / "alone").read_rows())


@pytest.mark.slow
def test_a_second_run_in_a_run_folder_is_turned_away_and_the_first_unharmed(polyrefuse: Call, tmp_path: Path) -> None:
    release = make_release(tmp_path, "1.0.0")
    arguments = [
        "benchmark", "run", "--model", bundled_model(CHAT), "--dataset", release, "--source-languages", "en",
        "--max-new-tokens", 6, "--max-kl", 50, "--limit", 2, "--out",
    ]  # fmt: skip
    first = start(*arguments, tmp_path / "run")
    wait_for(tmp_path / "run" / "run.json")
    first.send_signal(signal.SIGSTOP)  # so that it is at work, however long the second takes to begin
    try:
        before = contents(tmp_path / "run")
        is_turned_away(polyrefuse(*arguments, tmp_path / "run"))
        assert contents(tmp_path / "run") == before
    finally:
        first.send_signal(signal.SIGCONT)
    finishes(first)
    assert (tmp_path / "run" / "report.html").exists()


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that everybody may pass. pytest's own are closed to others whenever some pytest starts."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture(params=["permission", "mount"])
def read_only(request: pytest.FixtureRequest, open_path: Path) -> Iterator[Callable[[Path], list[str]]]:
    """Makes a folder read-only, by permission or by mount; returns what goes before a command to be held to it."""
    mounted: list[Path] = []

    def mount(folder: Path) -> list[str]:
        done = subprocess.run(["mount", "--bind", "-o", "ro", folder, folder], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("nothing can be mounted here")
        mounted.append(folder)
        return []

    def forbid(folder: Path) -> list[str]:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        if os.geteuid() != 0:
            return []
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
        if not shutil.which("setpriv") or subprocess.run([*become, *program("--version")], cwd=ROOT).returncode:
            pytest.skip("root may write everywhere, and cannot become somebody here who may not")
        return become

    yield mount if request.param == "mount" else forbid
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def test_in_a_read_only_folder_each_command_says_so(
    polyrefuse: Call, open_path: Path, read_only: Callable[[Path], list[str]]
) -> None:
    folder = open_path / "ws"
    config = make_build(folder)
    made = make_release(open_path, "1.0.0", each=1)
    open_workspace = open_path / "workspace-1.0.0"
    shutil.copy(open_workspace / "rows.parquet", folder)
    (open_workspace / ".lock").unlink()  # ours, and so not another user's to take
    open_workspace.chmod(0o777)
    before = contents(folder)
    become = read_only(folder)
    for arguments in (
        ("build", "-c", config),
        ("report", folder),
        ("release", folder, "--version", "1.0.0", "--out", open_path / "elsewhere"),
        ("release", open_workspace, "--version", "1.0.0", "--out", folder / "release"),
        ("benchmark", "run", "--model", bundled_model(CHAT), "--dataset", made, "--out", folder / "run"),
    ):
        if become:
            ended = subprocess.run(
                [*become, *program(*arguments)], capture_output=True, text=True, cwd=ROOT, check=False,
                env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HOME": str(open_path)},
            )  # fmt: skip
        else:
            ended = polyrefuse(*arguments)
        assert ended.returncode == 2, (arguments, ended.stderr)
        assert "Traceback" not in ended.stderr
        (line,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
        assert str(folder) in line and ("cannot write" in line or "cannot create" in line) and "choose another" in line
        assert contents(folder) == before
