"""Whole files: a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.disk import disk_errors
from polyrefuse_data.system.unfinished_files import part_of

if TYPE_CHECKING:
    import pyarrow as pa


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents. Raises ConfigError where that is not possible, DiskError on a full disk."""
    try:
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot make this folder ({error.strerror or error}); choose another") from error


@contextlib.contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to; moved into place, synced, when the block ends without an error.

    Readers see the old file or the new one, never a part. On an error the old file stays and the part is removed.
    Raises ConfigError where the folder does not let us write, DiskError where the disk is full or fails.
    """
    make_folder(target.parent)
    if target.is_dir():
        raise ConfigError(f"{target}: cannot write this file, a folder has its name: move the folder away")
    with disk_errors(target), contextlib.ExitStack() as stack:
        try:
            part = stack.enter_context(part_of(target))
        except OSError as error:
            raise ConfigError(
                f"{target}: cannot write this file ({error.strerror or error}); choose another folder"
            ) from error
        part.chmod(0o666 & ~_umask())  # private until now; ours are ordinary files
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def atomic_write(target: Path, content: str | bytes) -> None:
    """Write a whole small file, or leave the one that is there."""
    with atomic_path(target) as part:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def write_table(table: pa.Table, target: Path | IO[bytes]) -> None:
    """Write a table as Parquet, atomically. The same rows give the same bytes (one pinned pyarrow)."""
    import pyarrow.parquet as pq

    if isinstance(target, Path):
        with atomic_path(target) as part:
            pq.write_table(table, part, compression="zstd")
    else:
        pq.write_table(table, target, compression="zstd")


def read_table(path: Path, mend: str) -> pa.Table:
    """Read a Parquet file. Raises ConfigError with `mend` where it is missing or broken."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        raise ConfigError(f"{path} is not there: {mend}")
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): {mend}") from error
