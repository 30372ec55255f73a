"""script: share of letters in the scripts of the language.

Latin words from the English prompt (names, titles, code) do not count against a text.
"""

from __future__ import annotations

from collections import Counter

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import PUBLISHED_ROWS, Check, Scores, score_of
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.text.scripts import script
from polyrefuse_data.text.words import words


def expected_script(batch: Batch) -> Scores:
    rows = zip(batch.prose, batch.prose_en, batch.known, strict=True)
    values = [None if known is None else share(text, source, frozenset(known.scripts)) for text, source, known in rows]
    return {"expected_script": score_of(values)}


def share(text: str, source: str, scripts: frozenset[str]) -> float | None:
    """Share of letters of `text` in `scripts`, without the words it shares with `source`."""
    if not scripts:
        return None
    if "Latin" in scripts and text.isascii():
        return 1.0 if any(character.isalpha() for character in text) else None
    if source and source.isascii() and (found := set(map(script, set(text.casefold()))) - {""}) and found <= scripts:
        return 1.0  # where Latin is none of them, no word of the prompt is in the text
    return _share_of_words(text, source, scripts)


def _share_of_words(text: str, source: str, scripts: frozenset[str]) -> float | None:
    shared = set(words(source)) if "Latin" not in scripts else set()
    squeezed = "".join(words(source))  # names of several words may be written as one, or without their ending
    # Without the prompt, a Latin word may be a name.
    own = [
        word
        for word in words(text)
        if not (word in shared or (word.isascii() and (not source or (shared and word in squeezed))))
    ]
    expected = counted = 0
    for character, times in Counter("".join(own)).items():
        name = script(character)
        if name:
            counted += times
            expected += times * (name in scripts)
    return expected / counted if counted else (0.0 if shared else None)


SCRIPT = Check(
    name="script",
    description="Most letters are not in a script of the language.",
    score=expected_script,
    version="2",
    scores={
        "expected_script": "share of letters in the language's scripts, 0 to 1, not counting Latin names from the "
        "prompt"
    },
    thresholds=[Threshold("script", "expected_script", at_least=0.6, source=PUBLISHED_ROWS)],
)
