"""Other packages, and other versions of ours, in a virtual environment that is made for a test and thrown away."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

# What pip says where it finds no index, or an index without the package.
_NO_INDEX = ("No matching distribution", "NewConnectionError", "Connection to", "Could not fetch URL", "timed out")


class ThrowAway:
    """An environment with `packages` from the package index. The test is skipped where there is none to reach.

    With `sees_ours`, what this environment has counts as installed (torch is 2 GB), unless another version is asked
    for.
    """

    def __init__(self, folder: Path, *packages: str, sees_ours: bool = False) -> None:
        venv.create(folder, with_pip=True, symlinks=True)
        self.binaries = folder / "bin"
        if sees_ours:
            (own,) = folder.glob("lib/python*/site-packages")
            (own / "ours.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        install = ("-m", "pip", "install", "-q", "--no-compile", "--disable-pip-version-check")
        done = self._run("python", *install, *packages, cwd=folder)
        if done.returncode and any(sign in done.stderr for sign in _NO_INDEX):
            pytest.skip(f"needs {', '.join(packages)} from a package index: {done.stderr.strip().splitlines()[-1]}")
        assert done.returncode == 0, done.stderr

    def python(self, program: str, *arguments: object, cwd: Path, **environment: str) -> str:
        """What a program prints, and it has to succeed."""
        return self.command("python", "-c", program, *arguments, cwd=cwd, **environment)

    def command(self, *command: object, cwd: Path, **environment: str) -> str:
        """What a command of the environment prints, and it has to succeed."""
        done = self._run(*map(str, command), cwd=cwd, **environment)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        return done.stdout

    def _run(self, program: str, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        return subprocess.run(
            [str(self.binaries / program), *arguments],
            cwd=cwd,
            env=inherited | environment,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
