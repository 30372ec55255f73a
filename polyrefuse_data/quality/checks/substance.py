"""empty, unknown_language and unpaired: what a row lacks: something to read, a language, the English it translates.

And an English row that is not the English it says it is.
"""

from __future__ import annotations

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of

_MOST_BLANK = 0.9  # share of white space; a table or form that is typed out with blanks stays below


def substance(batch: Batch) -> Scores:
    """`readable_characters`: 1 where the text has a letter or digit and is not nearly all white space;
    `known_language`: 1 where the code is known; `paired`: 1 where a translation has its English beside it;
    `own_english`: 1 where an English row says what its `text_en` says."""
    return Scores(
        {
            "readable_characters": score_of([float(_is_readable(text)) for text in batch.text]),
            "known_language": score_of([float(known is not None) for known in batch.known]),
            "paired": score_of(
                [
                    None if code == SOURCE_LANGUAGE or not text.strip() else float(translated)
                    for code, text, translated in zip(batch.language, batch.text, batch.translated, strict=True)
                ]
            ),
            "own_english": score_of(
                [
                    float(text.split() == source.split())
                    if code == SOURCE_LANGUAGE and text.strip() and source.strip()
                    else None
                    for code, text, source in zip(batch.language, batch.text, batch.text_en, strict=True)
                ]
            ),
        }
    )


def _is_readable(text: str) -> bool:
    written = sum(map(len, text.split()))
    return written >= (1 - _MOST_BLANK) * len(text) and any(map(str.isalnum, text))


CHECK = Check("substance", substance)
