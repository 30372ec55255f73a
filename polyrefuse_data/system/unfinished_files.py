"""Unfinished files and folders: hidden beside their target, locked by their writer, and removed if that was killed.

The holder of a part's lock owns it. A part can be seen before its writer has locked it, and a name can vanish or lead
to another file by the time we get its lock, so a lock counts only while the name still leads to what is locked. A
writer that loses its part in this way creates another one. Without such locks (on Windows), only its writer may remove
a part.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:
    _CAN_LOCK = False  # Windows
else:
    _CAN_LOCK = True

_RANDOM = "[0-9a-z_]{8}"


@contextlib.contextmanager
def part_of(target: Path, *, is_folder: bool = False) -> Iterator[Path]:
    """A new, empty file or private folder beside `target`; whatever is left when the block ends is removed.

    Leftovers of killed writers of `target` are removed first, since the system released their locks. The path is
    absolute, for the same reason as that of `regular_file`. Raises OSError if the folder is not writable.
    """
    target = target.absolute()
    for abandoned in _parts_of(target):
        with contextlib.suppress(OSError):
            _remove_if_nobody_holds(abandoned)
    part, hold = _new_part(target, is_folder)
    try:
        yield part
    finally:
        _remove(part)
        _let_go(hold)


def _new_part(target: Path, is_folder: bool) -> tuple[Path, int | None]:
    """A new part, and its lock, if there are locks."""
    while True:
        part = target.parent / f".{target.name}.{secrets.token_hex(4)}.part"
        try:
            if is_folder:
                part.mkdir(mode=0o700)
            else:
                os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            continue
        try:
            hold = _hold(part)
        except BaseException:  # no file may be opened, or this file system has no locks
            _remove(part)
            raise
        if hold is not None or not _CAN_LOCK:
            return part, hold  # otherwise another writer thought it abandoned before we could lock it


def _parts_of(target: Path) -> list[Path]:
    name = re.compile(rf"\.{re.escape(target.name)}\.{_RANDOM}\.part")
    with os.scandir(target.parent) as entries:
        return [Path(entry.path) for entry in entries if name.fullmatch(entry.name)]


def _remove_if_nobody_holds(part: Path) -> None:
    hold = _hold(part)
    if hold is not None:
        _remove(part)
        _let_go(hold)


def _hold(part: Path) -> int | None:
    """Lock a part until we exit or the returned descriptor is closed. None if another process has it, it has been moved
    into place or removed, or there are no locks."""
    if not _CAN_LOCK:
        return None
    try:
        handle = os.open(part, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), part.lstat()):
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _let_go(hold: int | None) -> None:
    if hold is not None:
        os.close(hold)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)
