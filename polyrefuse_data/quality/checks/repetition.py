"""repetition: a model that loops. Share of the text that repeats what it already said, less the prompt's own share.

A tail of one letter or a few words over and over is a loop however long the text before it is: it counts as a whole.
"""

from __future__ import annotations

import re

from polyrefuse_data.quality.batch import LONGEST_TEXT
from polyrefuse_data.quality.checks.base import Check, score_translations

# Windows this long hardly ever come twice in an ordinary sentence; short ones where a character is a syllable or word.
_WINDOW, _DENSE_WINDOW = 10, 4

_DENSE = re.compile("[^\x00-\u3000]")  # characters that are syllables or words

# Up to 20 letters at least six times in succession; dots, dashes, digits and blanks to fill in may go on for ever.
_LONGEST_UNIT = 20
_SUCCESSION = re.compile(rf"(?=[^ -@\[-`{{-~\u2010-\u2027\u3000-\u303f])(.{{1,{_LONGEST_UNIT}}}?)\1{{5,}}")
_LEAST_LETTERS = 12  # of a succession: six times `ha` is laughter
_LEAST_REPEATED = 2  # windows, without which no succession is looked for


def repetition(text: str, source: str, language: str) -> float:
    letters = _letters(text)
    window = _window(text)
    repeated, own = _repeated(letters, window)
    if not repeated:
        return 0.0
    loops = repeated >= _LEAST_REPEATED and _repeats_at_once(letters, window) and _succession(letters)
    if loops and not _succession(_letters(source)):
        return 1.0
    return max(0.0, own - repeated_share(source, _WINDOW))


def repeated_share(text: str, window: int) -> float:
    """Windows of `window` characters that occurred before, over all windows; case and spaces do not count."""
    return _repeated(_letters(text), window)[1]


def _repeated(letters: str, window: int) -> tuple[int, float]:
    count = len(letters) - window + 1
    if count < 2:
        return 0, 0.0
    repeated = count - len({letters[start : start + window] for start in range(count)})
    return repeated, repeated / count


def _repeats_at_once(letters: str, window: int) -> bool:
    """Whether a window comes again within the letters of a unit: without that no succession is looked for."""
    last: dict[str, int] = {}
    for start in range(len(letters) - window + 1):
        place = last.get(letters[start : start + window])
        if place is not None and start - place <= _LONGEST_UNIT:
            return True
        last[letters[start : start + window]] = start
    return False


def _succession(letters: str) -> bool:
    """Whether a few letters stand many times in succession."""
    return any(len(found.group()) >= _LEAST_LETTERS for found in _SUCCESSION.finditer(letters))


def _letters(text: str) -> str:
    return "".join(text[:LONGEST_TEXT].casefold().split())


def _window(text: str) -> int:
    """Short windows for text whose characters are syllables or words."""
    start = text[:200]
    return _DENSE_WINDOW if len(_DENSE.findall(start)) * 2 > len(start) else _WINDOW


CHECK = Check("repetition", score_translations("repetition", repetition))
