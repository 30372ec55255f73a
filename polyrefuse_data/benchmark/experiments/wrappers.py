"""Wrappers of prompts, as a user's TOML file has them: name = "text with {prompt} in it"."""

from __future__ import annotations

from pathlib import Path

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.toml import read_toml

PLACE = "{prompt}"


def read_wrappers(path: Path) -> dict[str, str]:
    """Name -> text with `{prompt}` in it. Raises ConfigError where the file holds anything else."""
    found = read_toml(path, f'write one: name = "text with {PLACE} in it"')
    for name, text in found.items():
        if not isinstance(text, str) or text.count(PLACE) != 1:
            raise ConfigError(f"{path}: {name} must be a text that contains {PLACE} exactly once")
    if not found:
        raise ConfigError(f'{path} contains no wrappers: write name = "text with {PLACE} in it"')
    return found
