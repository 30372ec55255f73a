"""Files and folders in the making: hidden beside their target, held by their writer, removed after a killed one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_SUFFIX = ".part"


@contextlib.contextmanager
def part_of(target: Path, *, is_folder: bool = False) -> Iterator[Path]:
    """A new, empty, private file or folder beside `target`; what is still there when the block ends is removed.

    What writers of `target` that were killed have left is removed first: the system gave up their hold on it.
    Raises OSError where the folder does not let us write.
    """
    _remove_abandoned(target)
    if is_folder:
        part = Path(tempfile.mkdtemp(_SUFFIX, _prefix(target), target.parent))
    else:
        handle, name = tempfile.mkstemp(_SUFFIX, _prefix(target), target.parent)
        os.close(handle)
        part = Path(name)
    try:
        with _held(part):
            yield part
    finally:
        _remove(part)


def _remove_abandoned(target: Path) -> None:
    with os.scandir(target.parent) as entries:
        found = [e.path for e in entries if e.name.startswith(_prefix(target)) and e.name.endswith(_SUFFIX)]
    for path in found:
        with contextlib.suppress(OSError), _held(Path(path)):  # BlockingIOError: its writer is alive
            _remove(Path(path))


@contextlib.contextmanager
def _held(part: Path) -> Iterator[None]:
    """Hold a file or folder as long as we live. Raises BlockingIOError where another process does."""
    handle = os.open(part, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    return f".{target.name}."
