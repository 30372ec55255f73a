"""Which page is made by which function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from docs.generators import built_in, commands, config_keys, measured, python_api
from polyrefuse_data.quality.reference import reference as checks

DOCS = Path(__file__).resolve().parents[1]
PAGES: dict[str, Callable[[], str]] = {
    "checks.md": checks,
    "quality-figures.md": measured.page,
    "reference/built-in.md": built_in.page,
    "reference/commands.md": commands.page,
    "reference/config.md": config_keys.page,
    "reference/python.md": python_api.page,
}
