"""What the pages of the project tell people to type."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def shell_blocks(page: Path) -> list[list[list[str]]]:
    """The commands of each ```sh block of a page, as words; comments are left out, continued lines joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [block_commands(block) for block in blocks]


def commands(page: Path) -> list[list[str]]:
    """Every `polyrefuse` command on a page that stands on lines of its own, in a block or indented."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^(?: {4})?(polyrefuse .*(?:(?<=\\)\n.*)*)", text, flags=re.MULTILINE)
    return [command for block in blocks for command in block_commands(block) if command[0] == "polyrefuse"]


def block_commands(block: str) -> list[list[str]]:
    """The commands of a block, as words."""
    lines = block.replace("\\\n", " ").replace("&&", "\n").splitlines()
    return [words for words in (shlex.split(line, comments=True) for line in lines) if words]
