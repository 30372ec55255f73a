"""Text in the cells of Office Open XML (.xlsx)."""

from __future__ import annotations

import re

# How Office Open XML writes characters that XML does not know, and what looks like that.
_UNKNOWN_TO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def escaped(text: str) -> str:
    """Text as a cell can hold it."""
    return _UNKNOWN_TO_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def unescaped(text: str) -> str:
    """The text of a cell."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
