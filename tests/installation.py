"""The package as others install it: a wheel of the working tree, in a new virtual environment.

Without a package index the environment gets its dependencies as links to those of this one: exactly what the wheel asks
for, extras that are asked for included, and what these ask for in turn. WHEEL_FROM_INDEX=1 (`make wheel`) installs them
with pip instead.
"""

from __future__ import annotations

import compileall
import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
FROM_INDEX = bool(os.environ.get("WHEEL_FROM_INDEX"))
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def working_tree() -> list[str]:
    """Every file of the repository that git tracks, or would if asked to: paths from its root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = os.fsdecode(listed.stdout).split("\0")
    return sorted(name for name in names if name and (ROOT / name).exists())


def build_wheel(folder: Path) -> Path:
    """A wheel of the working tree, built offline from a copy, so that nothing is left in the tree or taken from it."""
    tree = folder / "tree"
    for name in working_tree():
        source, copied = ROOT / name, tree / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copied, follow_symlinks=False)
    compileall.compile_dir(tree / "polyrefuse_data", maxlevels=0, quiet=1)  # as in a tree that Python has run in
    command = [*PIP, "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", "."]
    subprocess.run([*command, str(tree)], cwd=folder, check=True, env=_bare_environment())
    (wheel,) = folder.glob("*.whl")
    return wheel


class Installation:
    """A virtual environment in `folder` that holds the wheel, what it needs, and nothing else."""

    def __init__(self, folder: Path, wheel: Path, extras: str = "") -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.binaries = folder / "bin"
        self._pip("--no-deps", "--no-index", str(wheel))
        (self.packages,) = folder.glob("lib/python*/site-packages")
        if FROM_INDEX:
            self._install(f"{wheel}[{extras}]" if extras else str(wheel), with_torch=bool(extras))
        else:
            self._link(Requirement(f"polyrefuse-data[{extras}]" if extras else "polyrefuse-data"))

    def run(self, *command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command of the environment, as in a shell that knows nothing of the working tree."""
        program, *arguments = map(str, command)
        return subprocess.run(
            [str(self.binaries / program), *arguments],
            cwd=cwd,
            env={**_bare_environment(), "HF_HUB_OFFLINE": "1", **environment},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def _pip(self, *arguments: str, attempts: int = 1) -> None:
        python = ["--python", str(self.binaries / "python")]
        command = [*PIP, *python, "install", "-qq", *arguments]  # errors alone: a warning for each index buries them
        for attempt in range(attempts):
            time.sleep(30 * attempt)
            done = subprocess.run(command, check=False, env=_bare_environment())
            if done.returncode == 0:
                return
        done.check_returncode()

    def _install(self, wheel: str, *, with_torch: bool) -> None:
        """With pip, as the README says; torch from the index that the Makefile has found for this machine.

        An index that does not answer for a moment says nothing of the wheel: it is asked again.
        """
        constraints = ["--constraint", str(ROOT / "constraints.txt")]
        index = os.environ.get("TORCH_INDEX")
        if with_torch and index:
            self._pip(*constraints, "--no-deps", "--extra-index-url", index, "torch", attempts=3)
        self._pip(*constraints, wheel, attempts=3)

    def _link(self, wanted: Requirement) -> None:
        """Link every distribution that `wanted` asks for, directly or not, from this environment into that one."""
        linked: set[str] = set()
        for distribution in self._needed(wanted):
            for file in distribution.files or ():
                top = file.parts[0]
                if top not in ("..", "__pycache__") and top not in linked:
                    linked.add(top)
                    (self.packages / top).symlink_to(distribution.locate_file(top))

    def _needed(self, wanted: Requirement) -> Iterator[importlib.metadata.Distribution]:
        seen: set[tuple[str, str]] = set()
        left = [(wanted.name, extra) for extra in ("", *wanted.extras)]
        while left:
            name, extra = left.pop()
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            if name == "polyrefuse-data":
                (distribution,) = importlib.metadata.distributions(name=name, path=[str(self.packages)])
            else:
                distribution = importlib.metadata.distribution(name)
                yield distribution
            for requirement in map(Requirement, distribution.requires or ()):
                if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                    left += [(requirement.name, brought) for brought in ("", *requirement.extras)]


def _bare_environment() -> dict[str, str]:
    """This process's, without what leads to the working tree."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
