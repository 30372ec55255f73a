"""Does what a tutorial says: writes its files, runs its commands, and compares what they print, from top to bottom.

The kinds of blocks:

    ```toml ws/polyrefuse.toml       a file; with " +" after the name, more of one
    ```python read.py                a file that is run, too
    ```sh                            commands that run as they stand
    ```shell                         commands that do not run here (installation)
    ```text                          lines that the block before it prints, among others
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.documents import ROOT, block_commands
from tests.faults.launcher import Call
from tests.patience import LONG_ENOUGH

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?( \+)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def follow(
    page: Path, folder: Path, polyrefuse: Call, *, changed: Callable[[str], str] = str, **variables: str
) -> None:
    """Follow a tutorial in a folder. `changed` may change the text of a file, e.g. to name a server of the test's."""
    printed = ""
    for kind, name, more, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if name:
            _write(folder / name, changed(text), more=bool(more))
        if kind == "sh":
            printed = "".join(_run(words, folder, polyrefuse, variables) for words in block_commands(text))
        elif kind == "python":
            printed = _run_python(name, folder)
        elif kind == "text":
            lines = printed.splitlines()
            assert [line for line in text.splitlines() if line not in lines] == [], f"{page.name}: printed {printed}"


def _write(file: Path, text: str, *, more: bool) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a" if more else "w", encoding="utf-8") as stream:
        stream.write(f"\n{text}" if more else text)


def _run(words: list[str], folder: Path, polyrefuse: Call, variables: dict[str, str]) -> str:
    program, *arguments = words
    assert program == "polyrefuse", words
    done = polyrefuse(*arguments, cwd=folder, **variables)
    assert done.returncode == 0, f"{words}: {done.stderr[-3000:]}"
    return done.stdout.replace("@127.0.0.1", "")  # names of backends say where a server of one's own is


def _run_python(name: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hf")}
    command = [sys.executable, name]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LONG_ENOUGH, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
