"""A short digest of the data that a check reads, for the signature of the checks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest_of(files: Iterable[Path]) -> str:
    """8 hex digits over the names, with their folder's, and contents of some files, in whatever order they come."""
    digest = hashlib.sha256()
    for name, path in sorted((f"{path.parent.name}/{path.name}", path) for path in files):
        digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()[:8]
