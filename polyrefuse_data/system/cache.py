"""The one folder for everything that is fetched or converted once and reused."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """The cache folder for one kind of thing. The cache is POLYREFUSE_CACHE, or the user's cache folder on this system
    ($XDG_CACHE_HOME/polyrefuse-data on Linux)."""
    named = os.environ.get("POLYREFUSE_CACHE")
    if named:
        return Path(named) / kind
    import platformdirs

    return platformdirs.user_cache_path("polyrefuse-data", appauthor=False) / kind
