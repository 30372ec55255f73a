"""unsaid_negation: the prompt says "not", and no word of the text says no. Needs no back-translation.

Only this way round: what says no in a text may stand for much in English ("ไม่" ends many a Thai question). A prompt
that denies in other words too ("avoid", "any", "un-") may be said in a language without a "not", and counts for
nothing.
"""

from __future__ import annotations

from polyrefuse_data.languages import Language, packs_digest
from polyrefuse_data.quality.batch import LONGEST_TEXT, Batch
from polyrefuse_data.quality.checks.base import Check, Scores
from polyrefuse_data.quality.meaning.english import read
from polyrefuse_data.quality.meaning.polarity import count, denies_otherwise
from polyrefuse_data.quality.thresholds import Threshold, score_of


def unsaid_negation(batch: Batch) -> Scores:
    rows = zip(batch.text, batch.text_en, batch.back_translation, batch.known, batch.translated, strict=True)
    return {
        "unsaid_negation": score_of(
            [
                float(_is_unsaid(text, source, back, known)) if translated and known and known.negation else None
                for text, source, back, known, translated in rows
            ]
        )
    }


def _is_unsaid(text: str, source: str, back: str | None, known: Language) -> bool:
    prompt = read(source)
    if not count(prompt) or denies_otherwise(prompt) or (back and count(read(back))):
        return False
    assert known.negation is not None
    return known.negation.search(text[:LONGEST_TEXT].lower()) is None


UNSAID_NEGATION = Check(
    name="unsaid_negation",
    description="The prompt contains a negation, but no word of the text does.",
    score=unsaid_negation,
    settings=lambda: f"negation-{packs_digest('polarity.toml')}",
    scores={"unsaid_negation": "1 if so, else 0; not computed for languages without polarity.toml"},
    thresholds=[
        Threshold(
            "unsaid_negation",
            "unsaid_negation",
            at_most=0,
            source="a hint: have people check a sample; 0.2% of good published rows and 0.8% of news carry it",
            rejects=False,
        )
    ],
)
