"""Makes text from files, models and servers safe in a line that people read.

Whatever a terminal or renderer obeys instead of showing is escaped: control characters (escape sequences begin with
one), bidirectional controls, line separators, invisible tags, and lone surrogates. Escapes are those of JSON, so that a
line of JSON stays the same JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

# Joiners and zero-width spaces are spelling in several scripts and move nothing, so they stay.
_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
LONGEST_NAME = 200  # characters; Hub ids have at most 96, and the longest names of translators some 120
LONGEST_LINE = 1000
_CUT = "…"


def printable(text: str, keep: str = "\n\t") -> str:
    r"""The text with `\u001b` instead of an escape character, and so on; the characters in `keep` stay."""
    if text.isascii() and text.isprintable():
        return text
    return _OBEYED.sub(lambda found: found[0] if found[0] in keep else escaped(found[0]), text)


def escaped(text: str) -> str:
    """Every character of the text as a JSON escape."""
    return "".join(json.dumps(character)[1:-1] for character in text)


def printable_line(text: str, longest: int = LONGEST_NAME) -> str:
    """A name or a value as a single line of at most `longest` characters."""
    return cut(printable(text, keep=""), longest)


def cut(text: str, longest: int) -> str:
    """The text with its middle cut out if it is too long: ids, revisions and hashes differ at the end."""
    if len(text) <= longest:
        return text
    tail = longest // 4
    return f"{text[: longest - tail - len(_CUT)]}{_CUT}{text[-tail:]}"


def lines(items: Iterable[str]) -> str:
    """Each item as one line, whatever line breaks it contains, so that none looks like a line of its own."""
    return "\n".join(printable_line(item, LONGEST_LINE) for item in items)
