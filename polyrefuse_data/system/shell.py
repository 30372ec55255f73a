"""Commands in messages: whoever copies one into a shell runs what it says."""

from __future__ import annotations

import shlex
from pathlib import Path


def shell_word(argument: str | Path) -> str:
    """A path or name as one word of a shell, quoted if it must be, and never read as an option."""
    word = str(argument)
    return shlex.quote(f"./{word}" if word.startswith("-") else word)
