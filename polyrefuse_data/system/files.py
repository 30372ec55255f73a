"""Atomic files: a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import contextlib
import errno
import itertools
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.disk import disk_errors
from polyrefuse_data.system.input_files import open_input, read_input, reason, regular_file
from polyrefuse_data.system.unfinished_files import part_of

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_NO_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}  # of file systems that write as they can
_logger = logging.getLogger(__name__)


def make_folder(folder: Path, *, private: bool = False) -> None:
    """Create `folder` and its parents; a new `private` one is closed to other users. An existing one stays as it is.

    Raises ConfigError if that is impossible, DiskError on a full disk.
    """
    try:
        with disk_errors(folder):
            folder.mkdir(0o700 if private else 0o777, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot create this folder ({error.strerror or error}); choose another") from error


def make_private_file(path: Path) -> None:
    """Create an empty file that other users cannot read, unless it exists. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


@contextlib.contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to. It is moved into place, synced, when the block ends without an error.

    Readers see the old file or the new one, never a part; of several writers, one wins. On an error, the old file stays
    and the part is removed. Raises ConfigError if the folder is not writable, DiskError if the disk is full or fails.
    """
    with _part_to_write(target) as part:
        yield part
        _sync(part)
        part.replace(target)
    _logger.debug("wrote %s", target)


def atomic_write(target: Path, content: str | bytes) -> None:
    """Write a small file completely, or leave the existing one."""
    with atomic_path(target) as part:
        part.write_bytes(_encoded(content))


def write_new(target: Path, content: str | bytes, mend: str) -> None:
    """Write a small file if there is none. One with exactly this content is left alone.

    Raises ConfigError with `mend` if another file has the name, because it may be somebody's work.
    """
    if not _is_written_or_there(target, _encoded(content)):
        raise ConfigError(f"{target} already exists and is never overwritten: {mend}")


def write_beside(target: Path, content: str | bytes) -> Path:
    """The same, but if another file has the name, write to `name-2.toml` (-3, ...). Returns the file that now holds the
    content."""
    names = itertools.chain([target], _names_beside(target))
    return next(path for path in names if _is_written_or_there(path, _encoded(content)))


def replace_kept(target: Path, content: str | bytes) -> None:
    """Replace a file that a person may have edited; the old one stays beside it as `name-2.toml`."""
    data = _encoded(content)
    if target.exists() and not _holds(target, data):
        before = read_input(target)
        next(path for path in _names_beside(target) if _is_written_or_there(path, before))
    atomic_write(target, data)


def _names_beside(target: Path) -> Iterator[Path]:
    return (target.with_name(f"{target.stem}-{number}{target.suffix}") for number in itertools.count(2))


def remove_own(folder: Path, name: re.Pattern[str]) -> None:
    """Remove the files in a folder with such names, and the folder if nothing else is in it."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if name.fullmatch(path.name):
            path.unlink()
    with contextlib.suppress(OSError):  # not empty, or never made
        folder.rmdir()


def _is_written_or_there(target: Path, content: bytes) -> bool:
    """Write the file unless something has its name. Returns whether the file now holds `content`."""
    with _part_to_write(target) as part:
        part.write_bytes(content)
        _sync(part)
        try:
            _move_without_replacing(part, target)
        except FileExistsError:
            return _holds(target, content)
    _logger.debug("wrote %s", target)
    return True


@contextlib.contextmanager
def _part_to_write(target: Path) -> Iterator[Path]:
    make_folder(target.parent)
    if target.is_dir():
        raise ConfigError(f"{target}: cannot write this file because a folder has its name: move the folder away")
    if target.exists() and not target.is_file():  # a file would replace the device itself
        raise ConfigError(f"{target}: cannot write this file because a pipe or device has its name: choose another")
    with disk_errors(target), contextlib.ExitStack() as stack:
        try:
            part = stack.enter_context(part_of(target))
        except OSError as error:
            raise ConfigError(
                f"{target}: cannot write this file ({error.strerror or error}); choose another folder"
            ) from error
        yield part


def _sync(part: Path) -> None:
    with part.open("rb") as written:
        try:
            os.fsync(written.fileno())
        except OSError as error:
            if error.errno not in _NO_SYNC:
                raise


def _move_without_replacing(part: Path, target: Path) -> None:
    """Move a file. Raises FileExistsError if something already has the name."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # no hard links here, for which every file system has its own error
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # claims the name
        part.replace(target)


def _holds(path: Path, content: bytes) -> bool:
    try:
        with open_input(path) as file:
            return file.read(len(content) + 1) == content
    except OSError:
        return False


def _encoded(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content


def write_table(table: pa.Table, target: Path | IO[bytes]) -> None:
    """Write a table as Parquet, atomically. The same rows give the same bytes (one pinned pyarrow)."""
    import pyarrow.parquet as pq

    if isinstance(target, Path):
        with atomic_path(target) as part:
            pq.write_table(table, part, compression="zstd")
    else:
        pq.write_table(table, target, compression="zstd")


def read_table(path: Path, mend: str) -> pa.Table:
    """Read a Parquet file. Raises ConfigError with `mend` if it is missing or broken."""
    with _opened(path, mend) as file:  # pq.read_table would import pandas
        return file.read()


def read_batches(path: Path, mend: str, rows: int) -> Iterator[pa.RecordBatch]:
    """Read a Parquet file in batches of so many `rows`. Raises what `read_table` raises."""
    with _opened(path, mend) as file:
        yield from file.iter_batches(rows)


def parquet_errors() -> tuple[type[Exception], ...]:
    """What pyarrow raises for a Parquet file that is damaged, or is none."""
    import pyarrow as pa

    return pa.ArrowException, OSError, ValueError, OverflowError, LookupError


@contextlib.contextmanager
def _opened(path: Path, mend: str) -> Iterator[pq.ParquetFile]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(regular_file(path)) as file:
            yield file
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: {mend}") from None
    except parquet_errors() as error:
        raise ConfigError(f"{path} cannot be read ({reason(error)}): {mend}") from error
