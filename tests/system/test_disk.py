"""Full and failing disks are known whichever library met them, and whatever was made of its error on the way."""

from __future__ import annotations

import errno
import sqlite3

import pytest
from safetensors import SafetensorError

from polyrefuse_data.errors import ConfigError, DiskError, ReleaseError
from polyrefuse_data.system.disk import disk_error, disk_errors


def of_sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full; free some space"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "quota"),
        (OSError(errno.EFBIG, "File too large"), "ulimit -f"),
        (OSError(errno.EIO, "Input/output error"), "the disk fails"),
        (of_sqlite(sqlite3.SQLITE_FULL), "the disk is full"),
        (of_sqlite(sqlite3.SQLITE_IOERR_SHMSIZE), "the disk is full"),
        (of_sqlite(sqlite3.SQLITE_IOERR_WRITE), "the disk fails"),
        (SafetensorError("I/O error: No space left on device (os error 28)"), "the disk is full"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_each_library_says(error: Exception, says: str) -> None:
    with pytest.raises(DiskError, match=says) as caught, disk_errors("scores.parquet"):
        raise error
    assert str(caught.value).startswith("scores.parquet: ")
    assert str(caught.value).endswith("run the same command again")
    assert caught.value.exit_code == 4


def test_an_error_that_a_full_disk_led_to() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device", "/data/rel")
        except OSError as error:
            raise ReleaseError("cannot be written: choose another --out") from error
    except ReleaseError as error:
        told = disk_error(error)
    assert told is not None
    assert str(told).startswith("/data/rel: the disk is full")


def test_a_copy_names_the_file_that_there_is_no_room_for() -> None:
    told = disk_error(OSError(errno.ENOSPC, "No space left on device", "rel/README.md", None, "shelf/README.md"))
    assert str(told).startswith("shelf/README.md: the disk is full")


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "no"), ConfigError("no"), ValueError("(os error 2)")])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    assert disk_error(error) is None
    with pytest.raises(type(error)) as caught, disk_errors("x"):
        raise error
    assert caught.value is error
