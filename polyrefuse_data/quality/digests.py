"""A short digest of the data that a check reads, for the signature of the checks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.resources.abc import Traversable


def digest_of(files: Iterable[Traversable]) -> str:
    """8 hex digits over the names and contents of some files, in whatever order they come."""
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.name):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:8]
