"""What stands around a whole translation and not around its English: a code fence, quotation marks, emphasis; and
entities of HTML.

That much can be taken off without a guess. Everything else that machines leave (debris.py) may stand for lost text.
"""

from __future__ import annotations

import html
import re

QUOTES = "\"“”„«»「」『』‹›＂‘’‚'"
_SINGLE = r"(?<![^\W_])['‘‚](?=\S)"  # one that opens: others are apostrophes as often
QUOTE = re.compile(rf"[\"“”„«»「」『』‹›＂]|{_SINGLE}")
ENTITY = r"&(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8}\d{0,2});"

_ENTITY = re.compile(ENTITY)
_OPENING_SINGLE = re.compile(_SINGLE)
_CLOSED_BY = {"“": "”", "”": "”", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』", "‹": "›", "‘": "’", "‚": "‘’"}
_FENCE = "```"
_EMPHASIS = ("**", "__", "*", "`")
_TWO_APOSTROPHES = "''"  # for a quotation mark


def cleaned(text: str, source: str) -> tuple[str, tuple[str, ...]]:
    """A new translation of an English text without its wrapping, and the names of what was taken off."""
    made, notes = text.strip(), []
    if "&" in made and not _ENTITY.search(source) and (read := _ENTITY.sub(_read, made)) != made:
        made = read.strip()
        notes.append("entities")
    if "`" not in source and (inside := _unfenced(made)):
        made = inside
        notes.append("fence")
    for mark in _EMPHASIS:
        inner = made[len(mark) : -len(mark)]
        if made.startswith(mark) and made.endswith(mark) and inner.strip() and mark[0] not in source + inner:
            made = inner.strip()
            notes.append("emphasis")
    if is_quoted(made, source) and _is_one_quotation(made.replace(_TWO_APOSTROPHES, '"')):
        width = 2 if made.startswith(_TWO_APOSTROPHES) else 1
        made = made[width:-width].strip()
        notes.append("quotes")
    return (made, tuple(notes)) if notes and made else (text, ())


def _read(entity: re.Match[str]) -> str:
    """The character of an entity; the entity where it is none that anybody sees."""
    read = html.unescape(entity[0])
    return read if read == "\xa0" or (read.isprintable() and read != "\ufffd") else entity[0]


def _unfenced(text: str) -> str:
    """The text of a code block, if the whole text is one; else nothing."""
    fence, _, rest = text.partition("\n")
    is_fence = fence.startswith(_FENCE) and (fence.removeprefix(_FENCE).strip() or "x").isalnum()  # a language at most
    inside = rest.removesuffix(_FENCE).strip() if is_fence and rest.endswith(_FENCE) else ""
    return "" if "`" in inside else inside


def is_quoted(text: str, source: str) -> bool:
    """Whether a text begins and ends with quotation marks of one kind, and has two more of any than its English."""
    text = text.replace(_TWO_APOSTROPHES, '"')
    closers = _CLOSED_BY.get(text[:1], text[:1] if text[:1] in QUOTES else "")
    if len(text) < 3 or text[-1] not in closers:
        return False
    if text[0] not in closers and not _is_one_quotation(text):  # “one” and “another”
        return False
    return quotes(text) >= quotes(source) + 2


def quotes(text: str) -> int:
    """How many quotation marks a text has; single ones count by those that open."""
    text = text.replace(_TWO_APOSTROPHES, '"')
    return len(QUOTE.findall(text)) + len(_OPENING_SINGLE.findall(text))


def _is_one_quotation(text: str) -> bool:
    """Whether the mark at the beginning is closed by the one at the end, and by none before."""
    first, closers = text[0], _CLOSED_BY.get(text[0], text[0])
    if first in closers:  # the same mark opens and closes: with more of them, nobody knows which is which
        return len(_OPENING_SINGLE.findall(text)) == 1 if first == "'" else text.count(first) == 2
    openers = {mark for mark, ends in _CLOSED_BY.items() if set(ends) & set(closers)} - set(closers)
    depth = 0
    for character in text[:-1]:
        depth += (character in openers) - (character in closers)
        if depth == 0:
            return False
    return True
