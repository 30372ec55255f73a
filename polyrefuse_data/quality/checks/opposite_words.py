"""opposite_words: a word came back as its opposite (easy as difficult), or harm as something harmless (threatening as
friendly)."""

from __future__ import annotations

from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.meaning.opposites import softened_words, turned_words
from polyrefuse_data.quality.meaning.signs import SCALE, Row, meaning_signature, strengths
from polyrefuse_data.quality.thresholds import Threshold


def _sign(row: Row) -> bool:
    """Where the lexicon finds the prompt's word in the text, the back-translator is at fault."""
    turned = turned_words(row.prompt, row.back) or softened_words(row.prompt, row.back)
    return any(not row.says(word) for word, _ in turned)


OPPOSITE_WORDS = Check(
    name="opposite_words",
    description="The back-translation has the opposite of a word, or a harmless word in place of a harmful one.",
    score=lambda batch: {"opposite_words": strengths(batch, _sign)},
    version="2",
    settings=meaning_signature,
    scores={"opposite_words": SCALE},
    thresholds=[
        Threshold(
            "opposite_words",
            "opposite_words",
            at_most=0,
            source="a hint: have people check a sample",
            rejects=False,
        ),
        Threshold(
            "opposite_words",
            "opposite_words",
            at_most=1,
            human=2,
            source="tuned on our whole half of DEMETR and on published back-translations (docs/meaning.md)",
            name="opposite_words_sure",
        ),
    ],
)
