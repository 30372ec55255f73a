"""repetition: the model loops. The share of the text that repeats itself, minus the prompt's own share.

If a text ends in a loop, all of it counts, however long it was before.
"""

from __future__ import annotations

import re

from polyrefuse_data.quality.checks.base import PUBLISHED_ROWS, Check, score_translations
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.text.loops import is_loop, repeated_share

# One mark many times over; dots, dashes and lines to fill in may go on for ever.
_MARKS = re.compile(r"([?!,;:\"'“”‘’»«)\]。、，！？」』])\1{11,}")
_LEAST_LETTERS = 12  # of a loop: six times `ha` is laughter
_WINDOW = 10  # of the English prompt, also where it is compared with a script that says more in a character


def repetition(text: str, source: str, language: str) -> float:
    own = repeated_share(text)
    if not own:
        return 0.0
    if (is_loop(text, _LEAST_LETTERS) or _MARKS.search(text)) and not (
        is_loop(source, _LEAST_LETTERS) or _MARKS.search(source)
    ):
        return 1.0
    return max(0.0, own - repeated_share(source, _WINDOW))


REPETITION = Check(
    name="repetition",
    description="The text loops: much of it repeats itself.",
    score=score_translations("repetition", repetition),
    version="3",
    scores={"repetition": "repeated share, minus that of the prompt; 1 if the text ends in a loop"},
    thresholds=[Threshold("repetition", "repetition", at_most=0.22, source=PUBLISHED_ROWS)],
)
