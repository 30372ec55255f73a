"""HTML pages that go where a person says: one that we wrote is replaced, anything else there is left alone.

A page ends with a comment that holds the hash of what stands before it, so that one which somebody has changed since is
known, and is that person's.
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
    """Write a page. Raises ConfigError where another file has its name, or somebody has changed our page."""
    if os.path.lexists(target) and not _is_ours(target):
        raise ConfigError(
            f"{target} is already there, and is no page that we wrote, or was changed since: choose another --out, or "
            "move it away"
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
