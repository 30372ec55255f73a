"""Write locks on folders: one process at a time. The system releases the lock of a process that died."""

from __future__ import annotations

import contextlib
import errno
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.disk import disk_errors
from polyrefuse_data.system.files import make_folder

# How file systems without locks refuse one.
_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}


@contextlib.contextmanager
def lock_folder(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock `folder` (created if missing) against a second writer.

    If another process holds it, wait for that one to end with `wait`, else raise ConfigError; also if the folder is not
    writable, or its file system has no locks.
    """
    import filelock

    make_folder(folder)
    lock = filelock.FileLock(folder / ".lock", blocking=wait)
    try:
        with disk_errors(folder), warnings.catch_warnings(action="ignore"):  # of what _is_makeshift tells
            lock.acquire()
    except filelock.Timeout:
        if _is_makeshift(lock):
            raise _without_locks(folder) from None
        raise ConfigError(
            f"{folder}: another polyrefuse process is writing here; wait for it to end, or choose another folder"
        ) from None
    except NotImplementedError as error:  # of filelock, for ENOSYS
        raise _without_locks(folder) from error
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise _without_locks(folder) from error
        raise ConfigError(
            f"{folder}: cannot write here ({error.strerror or error}); choose another folder, or work in a copy of it"
        ) from error
    try:
        if _is_makeshift(lock):
            raise _without_locks(folder)
        yield
    finally:
        lock.release()


def _is_makeshift(lock: Any) -> bool:
    """Whether filelock, without locks of the system, has taken to the mere existence of the file, which outlives a
    process that is killed."""
    import filelock

    return type(lock) is not filelock.FileLock


def _without_locks(folder: Path) -> ConfigError:
    return ConfigError(f"{folder}: this file system has no locks; choose a folder on a local disk")
