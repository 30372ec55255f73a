"""Finds sentence ends, and the beginnings of sentences and clauses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# What ends a sentence where white space follows, and what does whatever follows (full-width, Arabic, Indic, Armenian,
# Ethiopic, Khmer, Burmese, Tibetan).
SPACED_ENDS = ".!?…"
JOINED_ENDS = "。！？｡؟।۔։።៕။།"
QUESTION_MARKS = "?？؟"

_ENDS_CLAUSE = ",;(、،؛—–"  # and no sentence
_LEADING = re.compile(r"\W*")
_CLAUSE = re.compile(rf"[.:!?\n。؟{_ENDS_CLAUSE}]\W*")
_SPACED_CLAUSE = re.compile(r"[.:!?\s,;(—–]\W*")  # a space stands where others have a stop


@dataclass(frozen=True)
class Reading:
    """A text, and where its sentences and its clauses begin."""

    text: str
    sentences: list[int]
    clauses: list[int]


@lru_cache(maxsize=256)
def read_clauses(text: str, space_ends_sentence: bool = False) -> Reading:
    first = _LEADING.match(text)
    assert first is not None
    clauses, sentences = [first.end()], [first.end()]
    for match in (_SPACED_CLAUSE if space_ends_sentence else _CLAUSE).finditer(text, first.end()):
        clauses.append(match.end())
        if text[match.start()] not in _ENDS_CLAUSE:
            sentences.append(match.end())
    return Reading(text, sentences, clauses)
