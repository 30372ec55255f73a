"""Disk faults, reported in the same way whichever library meets them."""

from __future__ import annotations

import contextlib
import errno
import re
import sqlite3
from collections.abc import Iterator

from polyrefuse_data.errors import DiskError

_FAULTS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EFBIG: "the file is larger than this system allows; raise the limit (ulimit -f)",
    errno.EIO: "the disk fails on reading or writing; use another one",
}
_SQLITE_FAULTS = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR_SHMSIZE: errno.ENOSPC,  # no room for the index of its write-ahead log
    sqlite3.SQLITE_IOERR_READ: errno.EIO,
    sqlite3.SQLITE_IOERR_WRITE: errno.EIO,
    sqlite3.SQLITE_IOERR_FSYNC: errno.EIO,
}
_RUST = re.compile(r"\(os error (\d+)\)")  # safetensors and tokenizers say it only in the message


def disk_error(error: BaseException, where: object = None) -> DiskError | None:
    """The DiskError for an error caused by a disk, directly or indirectly; None for other errors.

    `where` is what was being written; by default the file that the error names.
    """
    for cause in causes(error):
        fault = _FAULTS.get(_number(cause))
        if fault is not None:
            # The second name is the target, where a file is copied or renamed.
            named = getattr(cause, "filename2", None) or getattr(cause, "filename", None)
            where = where or named or "while writing"
            return DiskError(f"{where}: {fault} and run the same command again")
    return None


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what led to it, what led to that, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


@contextlib.contextmanager
def disk_errors(where: object) -> Iterator[None]:
    """Raise DiskError instead of whatever a library raises on a full or failing disk while it writes `where`."""
    try:
        yield
    except DiskError:
        raise
    except Exception as error:
        told = disk_error(error, where)
        if told is None:
            raise
        raise told from error


def _number(error: BaseException) -> int:
    """The errno behind an error; 0 if there is none."""
    if isinstance(error, OSError):
        return error.errno or 0
    if isinstance(error, sqlite3.Error):
        return _SQLITE_FAULTS.get(getattr(error, "sqlite_errorcode", 0), 0)
    found = _RUST.search(str(error))
    return int(found[1]) if found else 0
