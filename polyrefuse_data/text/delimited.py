"""Delimited text as spreadsheets write it: in the encoding and with the delimiter of their country.

Excel saves "CSV" with the list separator of the system (a semicolon in most of Europe) in its old code page, "CSV
UTF-8" with a byte-order mark, and "Unicode text" as UTF-16 with tabs.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass

GUESSED = "cp1252"  # Windows' code page for Western European languages

_DELIMITERS = (",", ";", "\t", "|")  # of two that a heading has as often, the first
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n")  # Excel's own first line
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# Text of Western Europe has few characters outside ASCII (French some 5%), and no signs inside words. What another
# code page was taken for has either: Russian, Greek and Thai are all such characters, Polish has "b³¹d" for "błąd".
_MOST_FOREIGN = 0.2
_SIGN_IN_WORD = re.compile(r"[^\W\d_][\u00a1-\u00ac\u00ae-\u00b6\u00b8-\u00bf\u00d7\u00f7‚„†‡ˆ‰•˜™€][^\W\d_]")

# Lines of two files that were put together: accented letters and quotation marks in UTF-8, among bytes that are none.
_UTF8_TOO = re.compile(rb"\xc3[\x80-\xbf]|\xe2\x80[\x80-\xbf]")


@dataclass(frozen=True)
class Decoded:
    """Text of a file. `example` is a word that shows how it was read, if the encoding is a guess."""

    text: str
    encoding: str
    example: str = ""


def decoded(content: bytes, encoding: str | None = None) -> Decoded:
    """Text in the encoding that is said, else in that of its byte-order mark, UTF-16, UTF-8 or (a guess) GUESSED.

    Raises UnicodeDecodeError if none of them fits, LookupError for an unknown encoding.
    """
    said = encoding or _marked(content)
    if said:
        return Decoded(content.decode(said).removeprefix("\ufeff"), said)
    try:
        return Decoded(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        text = _guessed(content)
        if text is None:
            raise
        words = re.findall(r"\S+", text)
        return Decoded(text, GUESSED, next((word for word in words if not word.isascii()), error.reason))


def _marked(content: bytes) -> str | None:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    # A heading is ASCII: in UTF-16 without a mark, every other byte of it is zero.
    heading = content[:40]
    if heading and b"\0" in heading and len(content) % 2 == 0:
        return "utf-16-le" if heading[1:2] == b"\0" else "utf-16-be" if heading[:1] == b"\0" else None
    return None


def _guessed(content: bytes) -> str | None:
    if _UTF8_TOO.search(content):
        return None
    try:
        text = content.decode(GUESSED)
    except UnicodeDecodeError:
        return None
    foreign = sum(not character.isascii() for character in text)
    if foreign > _MOST_FOREIGN * len(text) or _SIGN_IN_WORD.search(text):
        return None
    return text


def delimiter_of(text: str) -> tuple[str, str]:
    """The delimiter of a text, from its heading or Excel's `sep=` line; and the text without that line."""
    if line := _SEPARATOR_LINE.match(text):
        return line[1], text[line.end() :]
    return max(_DELIMITERS, key=lambda delimiter: _columns(text, delimiter)), text


def _columns(text: str, delimiter: str) -> int:
    """Into how many columns a delimiter parts the heading, which may contain line breaks and delimiters in quotes."""
    try:
        return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), ()))
    except csv.Error:
        return 0
