"""HTML pages at a place that the user chooses: one that we wrote is replaced, anything else is left alone.

A page ends with a comment holding the hash of what precedes it, so that a page somebody has changed since is recognised
as theirs.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.files import atomic_write
from polyrefuse_data.system.input_files import read_input

_SEAL = re.compile(rb"<!-- polyrefuse-data ([0-9a-f]{64}) -->\n\Z")


def write_page(target: Path, page: str) -> None:
    """Write a page. Raises ConfigError if another file has its name, or somebody has changed our page."""
    if os.path.lexists(target) and not _is_ours(target):
        raise ConfigError(
            f"{target} already exists and was not written by polyrefuse, or was changed since: choose another --out, "
            "or move it away"
        )
    content = page.encode("utf-8")
    atomic_write(target, content + f"<!-- polyrefuse-data {_hash(content)} -->\n".encode())


def _is_ours(path: Path) -> bool:
    try:
        content = read_input(path)
    except OSError:
        return False
    seal = _SEAL.search(content)
    return seal is not None and seal[1].decode() == _hash(content[: seal.start()])


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
