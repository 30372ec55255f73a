"""punctuation: unpaired brackets or quotation marks, spaces before a hyphen, doubled full stops.

Traces of machine translation that a reader sees. Flagged, but never a reason to reject.
"""

from __future__ import annotations

import re

from polyrefuse_data.quality.batch import LONGEST_TEXT
from polyrefuse_data.quality.checks.base import Check, score_translations
from polyrefuse_data.quality.thresholds import Threshold

_ARTEFACTS = re.compile(
    r"(?<=\w) -(?=[^\W\d_])|(?<![.。])[.。]{2}(?![.。])|[?？!！]{2,}|[,،、，]{2,}|。[A-Za-z\d]|(?<=\w) [,;:。、](?=\s)"
)
# Two characters of which every artefact holds some: fast to look for.
_MARKS = re.compile(r"[ .。?？!！,،、，](?:[-.。?？!！,،、，;:]|(?<=。)[A-Za-z\d])")
_PAIRS = (("(", ")", "（", "）"), ("[", "]", "［", "］"), ("{", "}", "｛", "｝"))
_QUOTES = re.compile('["“”„«»「」『』]')


def artefacts(text: str, source: str, language: str) -> float:
    """How many more of these traces `text` has than `source`."""
    found = _count(text[:LONGEST_TEXT])
    return float(max(0, found - _count(source[:LONGEST_TEXT]))) if found else 0.0


def _count(text: str) -> int:
    unpaired = sum(
        text.count(left) + text.count(wide_left) != text.count(right) + text.count(wide_right)
        for left, right, wide_left, wide_right in _PAIRS
    )
    artefacts = _ARTEFACTS.findall(text) if _MARKS.search(text) else ()
    return len(artefacts) + unpaired + len(_QUOTES.findall(text)) % 2


PUNCTUATION = Check(
    name="punctuation",
    description="Unpaired brackets or quotation marks, a space before a hyphen, doubled full stops.",
    score=score_translations("punctuation", artefacts),
    scores={"punctuation": "how many more than in the prompt"},
    thresholds=[
        Threshold("punctuation", "punctuation", at_most=0, source="no more than in the prompt", rejects=False),
    ],
)
