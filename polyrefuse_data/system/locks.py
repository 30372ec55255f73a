"""Write locks on folders: one process at a time. The system releases the lock of a process that died."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.disk import disk_errors
from polyrefuse_data.system.files import make_folder


@contextlib.contextmanager
def lock_folder(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock `folder` (created if missing) against a second writer.

    If another process holds it, wait for that one to end with `wait`, else raise ConfigError.
    """
    import filelock

    make_folder(folder)
    lock = filelock.FileLock(folder / ".lock", blocking=wait)
    try:
        with disk_errors(folder):
            lock.acquire()
    except filelock.Timeout:
        raise ConfigError(
            f"{folder}: another polyrefuse process is writing here; wait for it to end, or choose another folder"
        ) from None
    except OSError as error:
        raise ConfigError(f"{folder}: cannot write here ({error.strerror or error}); choose another folder") from error
    try:
        yield
    finally:
        lock.release()
