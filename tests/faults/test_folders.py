"""Folders that somebody else works in, or in which we may not write: said at once, and nothing is harmed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from polyrefuse_data.demo.bundled import CHAT, bundled_model
from polyrefuse_data.workspace import Workspace
from tests.faults.launcher import ROOT
from tests.faults.worlds import contents, make_build, make_release

NOTHING_ACCEPTED = 1  # what a build ends with whose translations are the English over again


def polyrefuse(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "polyrefuse_data.cli", *map(str, arguments)]


def start(*arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(
        polyrefuse(*arguments), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def finishes(process: subprocess.Popen[str], code: int = 0) -> None:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors


def turned_away(*arguments: object) -> None:
    second = start(*arguments)
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 2, errors
    (line,) = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert "another polyrefuse process is writing here" in line


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)


def test_a_second_build_in_a_folder_is_turned_away_and_the_first_unharmed(tmp_path: Path) -> None:
    alone = make_build(tmp_path / "alone", ["cat"])
    finishes(start("build", "-c", alone), NOTHING_ACCEPTED)
    marker, go_on = tmp_path / "started", tmp_path / "go on"
    waiting = f"touch '{marker}'; while [ ! -e '{go_on}' ]; do sleep 0.01; done; cat"
    config = make_build(tmp_path / "ws", ["sh", "-c", waiting])
    first = start("build", "-c", config)
    wait_for(marker)
    turned_away("build", "-c", config)
    go_on.touch()
    finishes(first, NOTHING_ACCEPTED)
    assert Workspace(tmp_path / "ws").read_rows().equals(Workspace(tmp_path / "alone").read_rows())


@pytest.mark.slow
def test_a_second_run_in_a_run_folder_is_turned_away_and_the_first_unharmed(tmp_path: Path) -> None:
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
        turned_away(*arguments, tmp_path / "run")
        assert contents(tmp_path / "run") == before
    finally:
        first.send_signal(signal.SIGCONT)
    finishes(first)
    assert (tmp_path / "run" / "report.html").exists()


@pytest.fixture(params=["permission", "mount"])
def read_only(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Path], list[str]]]:
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
        for parent in tmp_path.parents[:3]:  # pytest's own, which others may not pass
            parent.chmod(parent.stat().st_mode | 0o011)
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
        if not shutil.which("setpriv") or subprocess.run([*become, *polyrefuse("--version")], cwd=ROOT).returncode:
            pytest.skip("root may write everywhere, and cannot become somebody here who may not")
        return become

    yield mount if request.param == "mount" else forbid
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def test_in_a_read_only_folder_each_command_says_so(tmp_path: Path, read_only: Callable[[Path], list[str]]) -> None:
    folder = tmp_path / "ws"
    config = make_build(folder)
    made = make_release(tmp_path, "1.0.0", each=1)
    open_workspace = tmp_path / "workspace-1.0.0"
    shutil.copy(open_workspace / "rows.parquet", folder)
    (open_workspace / ".lock").unlink()  # ours, and so not another user's to take
    for path in (tmp_path, open_workspace):
        path.chmod(0o777)
    before = contents(folder)
    become = read_only(folder)
    for arguments in (
        ("build", "-c", config),
        ("report", folder),
        ("release", folder, "--version", "1.0.0", "--out", tmp_path / "elsewhere"),
        ("release", open_workspace, "--version", "1.0.0", "--out", folder / "release"),
        ("benchmark", "run", "--model", bundled_model(CHAT), "--dataset", made, "--out", folder / "run"),
    ):
        ended = subprocess.run(
            [*become, *polyrefuse(*arguments)], capture_output=True, text=True, cwd=ROOT, check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HOME": str(tmp_path)},
        )  # fmt: skip
        assert ended.returncode == 2, (arguments, ended.stderr)
        assert "Traceback" not in ended.stderr
        (line,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
        assert str(folder) in line and ("cannot write" in line or "cannot create" in line) and "choose another" in line
        assert contents(folder) == before
