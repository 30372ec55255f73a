"""Text from files, models and servers, as it may stand in a line that people read.

What a terminal or a text renderer obeys instead of showing is written out: control characters (escape sequences begin
with one), bidirectional controls, line separators, tags that nobody sees, and lone surrogates. It is written as JSON
would write it, so that a line of JSON stays the same JSON.
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
    """The text with `\\u001b` in place of an escape, and so on; the characters of `keep` stay as they are."""
    if text.isascii() and text.isprintable():
        return text
    return _OBEYED.sub(lambda found: found[0] if found[0] in keep else escaped(found[0]), text)


def escaped(text: str) -> str:
    """Every character of the text as JSON escapes it."""
    return "".join(json.dumps(character)[1:-1] for character in text)


def printable_line(text: str, longest: int = LONGEST_NAME) -> str:
    """A name or a value as a single line of at most `longest` characters."""
    return cut(printable(text, keep=""), longest)


def cut(text: str, longest: int) -> str:
    """The text without its middle where it is longer: ids, revisions and hashes end with what tells them apart."""
    if len(text) <= longest:
        return text
    tail = longest // 4
    return f"{text[: longest - tail - len(_CUT)]}{_CUT}{text[-tail:]}"


def lines(items: Iterable[str]) -> str:
    """Each item as one line, whatever line breaks the names in it hold: none can pass for a line of its own."""
    return "\n".join(printable_line(item, LONGEST_LINE) for item in items)
