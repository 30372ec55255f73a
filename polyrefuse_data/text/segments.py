"""Text with inline codes, as translators' files hold it: what is code, and what is to be read."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

_SPACES = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)")


@dataclass(frozen=True)
class Segment:
    """`coded` has its codes where they stand (`Press <b>OK</b>.`), `text` is without them (`Press OK.`)."""

    coded: str
    text: str


def segment(pieces: Sequence[tuple[bool, str]]) -> Segment:
    """A segment of its pieces in order, (whether it is code, the text of it)."""
    coded = "".join(text for _, text in pieces)
    if not any(is_code for is_code, _ in pieces):
        return Segment(coded, coded)
    # Where a code stood between two spaces, one is left.
    return Segment(coded, _SPACES.sub(" ", "".join(text for is_code, text in pieces if not is_code)))


def is_code(inside: Sequence[str], codes: Collection[str], texts: Collection[str]) -> bool:
    """Whether text is code by the elements it stands in: the innermost that says so does. What is no element of the
    format is text."""
    for name in reversed(inside):
        if name in codes:
            return True
        if name in texts:
            return False
    return False
