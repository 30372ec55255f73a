"""Files from people and servers: regular files only, and read whole only up to a limit.

Reading a pipe or device might never end. Symbolic links are followed, because people keep prompts behind them and the
Hub's cache consists of them; their target must be a regular file.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import stat
from io import BufferedReader
from pathlib import Path

# For a file read into memory: a million prompts of a kilobyte each. Anything larger belongs in Parquet or in parts.
WHOLE_FILE_BYTES = 2**30
# For files written by hand, such as polyrefuse.toml: a large project's has a few kilobytes.
HANDWRITTEN_BYTES = 2**20

_KINDS = (
    (stat.S_ISDIR, errno.EISDIR, "it is a folder, not a file"),
    (stat.S_ISFIFO, errno.EINVAL, "it is a pipe, not a regular file: save its output to a file first"),
    (stat.S_ISSOCK, errno.EINVAL, "it is a socket, not a regular file"),
    (stat.S_ISCHR, errno.EINVAL, "it is a device, not a regular file"),
    (stat.S_ISBLK, errno.EINVAL, "it is a device, not a regular file"),
)
_logger = logging.getLogger(__name__)


def regular_file(path: Path) -> Path:
    """The path, absolute, for a reader that opens it by name. Raises OSError if it is missing or not a regular file.

    Absolute, because pyarrow takes `~` at the beginning of a path for the home folder, and `s3:` for an address.
    """
    _refuse_special(path.stat(), path)
    return path.absolute()


def open_input(path: Path) -> BufferedReader:
    """Open a regular file. Raises OSError, with an actionable reason, for anything else."""
    regular_file(path)  # merely opening some devices has an effect
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _refuse_special(os.fstat(handle), path)  # it may be a different file by now
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_input(path: Path, at_most: int = WHOLE_FILE_BYTES) -> bytes:
    """Read a whole regular file. Raises OSError, also if it has more than `at_most` bytes."""
    with open_input(path) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1) if size <= at_most else b""
        if size < len(content):  # it is growing, or lies in /proc, where files claim to be empty
            content += file.read(at_most + 1 - len(content))
    if max(size, len(content)) > at_most:
        raise OSError(errno.EINVAL, f"it is larger than the limit of {_size(at_most)}", str(path))
    _logger.debug("read %s (%d bytes)", path, len(content))
    return content


def read_input_text(path: Path, at_most: int = WHOLE_FILE_BYTES) -> str:
    """The same as text, UTF-8 with or without a byte-order mark. Raises UnicodeDecodeError for other encodings."""
    return read_input(path, at_most).decode("utf-8-sig")


def sha256_of(path: Path) -> str:
    """sha256 of a regular file of any size, in hex. Raises OSError."""
    with open_input(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def reason(error: BaseException) -> str:
    """An error's message, without the number and file name that OSError adds."""
    return getattr(error, "strerror", None) or str(error)


def _refuse_special(found: os.stat_result, path: Path) -> None:
    for is_kind, number, reason in _KINDS:
        if is_kind(found.st_mode):
            raise OSError(number, reason, str(path))


def _size(count: int) -> str:
    return f"{count >> 30} GiB" if count >= 2**30 else f"{count >> 20} MiB"
