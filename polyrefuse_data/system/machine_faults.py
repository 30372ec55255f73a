"""What the machine refuses a command, wherever it happens: memory, open files, access to a path, a path as such.

Reported as one message instead of a traceback, whose exit code 1 would say that a check found something. Full and
failing disks have `disk.py`.
"""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path

from polyrefuse_data.errors import ConfigError, MachineError, PolyrefuseError
from polyrefuse_data.system.disk import causes

_SHORTAGES = {
    errno.ENOMEM: "out of memory; end other programs, or raise the limit (ulimit -v)",
    errno.EMFILE: "too many open files; raise the limit (ulimit -n)",
    errno.ENFILE: "too many open files on this machine; end other programs",
}
_PATHS = {
    errno.EACCES: "check who owns it and who may read and write there",
    errno.EPERM: "check who owns it and who may read and write there",
    errno.EROFS: "choose another place",
    errno.ENAMETOOLONG: "choose a shorter one",
    errno.ELOOP: "these symbolic links lead to each other; choose another path",
    errno.ENOTDIR: "a part of this path is a file; choose another",
}
# torch (for what is not on a GPU) and other libraries in C++ say it only in the message.
_NO_MEMORY = re.compile(
    "out of memory|not enough memory|(?:can't|cannot|unable to|failed to) allocate|bad_alloc|ALLOC_FAILED"
    "|failed to map segment",
    re.IGNORECASE,
)

_UNDECODED = re.compile("[\udc80-\udcff]")  # bytes of a file name that are no text, as Python shows them


def machine_fault(error: BaseException) -> PolyrefuseError | None:
    """The error for one that the machine caused, directly or indirectly; None for other errors."""
    for cause in causes(error):
        number = _number(cause)
        if number == errno.ENOMEM:
            return _shortage(number)
        if number in _PATHS and isinstance(cause, OSError):
            where = f"{cause.filename}: {cause.strerror}" if cause.filename else str(cause)
            return ConfigError(f"{where}: {_PATHS[number]}")
        if isinstance(cause, FileNotFoundError) and cause.filename is None and not _is_somewhere():
            return ConfigError("the folder that this command was started in no longer exists: change to another one")
    return sound_file(error)


def sound_file(error: BaseException) -> PolyrefuseError | None:
    """The error for one that says nothing of the file it came with: too many files are open, or a library cannot take
    the file's name. None for other errors.

    Whoever reads a file takes either for damage, and would advise to remove it.
    """
    for cause in causes(error):
        if _number(cause) in (errno.EMFILE, errno.ENFILE):
            return _shortage(_number(cause))
        if isinstance(cause, UnicodeEncodeError) and _UNDECODED.search(cause.object):
            encoding = sys.getfilesystemencoding()
            mend = "rename it" if encoding == "utf-8" else f"Python reads names as {encoding} here, set PYTHONUTF8=1"
            return ConfigError(f"{cause.object}: this name is not in UTF-8, as libraries need it: {mend}")
    return None


def _is_somewhere() -> bool:
    """Whether there is a current folder, which relative paths need; it may have been removed."""
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _shortage(number: int) -> MachineError:
    return MachineError(f"{_SHORTAGES[number]} and run the same command again")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, the machine's or a GPU's."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, without loading it
        return True
    return isinstance(error, RuntimeError | ImportError) and _NO_MEMORY.search(str(error)) is not None


def _number(error: BaseException) -> int:
    """The errno behind an error; 0 if there is none."""
    if isinstance(error, OSError):
        return error.errno or 0
    return errno.ENOMEM if is_out_of_memory(error) else 0
