"""Files that only grow, a whole line at a time: what a killed writer left of its last line does not stay."""

from __future__ import annotations

from io import BufferedRandom
from pathlib import Path

from polyrefuse_data.system.input_files import regular_file


def open_to_append(path: Path) -> BufferedRandom:
    """A file, made where there is none, to write lines to its end; an unfinished last line is cut off first. One writer
    at a time. Raises OSError where `path` is no regular file."""
    if path.exists():
        regular_file(path)
    file = path.open("a+b")
    file.seek(0)
    content = file.read()
    file.truncate(content.rfind(b"\n") + 1)
    return file
