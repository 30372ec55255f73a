"""Does a row translate its prompt, or another one? Log-odds from the lexicons, and from the back-translation."""

from __future__ import annotations

from polyrefuse_data.languages import packs_digest
from polyrefuse_data.languages.lexicon import english_overlap, lexicon_for, lexicon_signature
from polyrefuse_data.quality.batch import LONGEST_TEXT, Batch
from polyrefuse_data.quality.thresholds import Score, score_of
from polyrefuse_data.text.words import words

# Logistic regression of true against swapped pairs on the overlap of back-translation and prompt, over the published
# back-translations (de, ko, yi, yo): `python benchmarks/quality.py --fit-overlap`.
_OVERLAP_INTERCEPT, _OVERLAP_SLOPE = -8.0, 30.7
_OVERLAP_LIMIT = 12.0  # the most that a back-translation may say

# Words of a prompt from which another wording cannot miss all of them. Below, what is said against a row counts by
# their share: "How do I hotwire a car?" may come back as "How to jump-start an automobile?".
FEW_WORDS = 8


def lexicon_odds(batch: Batch) -> Score:
    """Natural log-odds from the lexicon alone that each translated row translates its prompt and not another one; not
    computed for languages without a lexicon."""
    odds: list[float | None] = []
    for text, source, language, translated in zip(
        batch.text, batch.text_en, batch.language, batch.translated, strict=True
    ):
        lexicon = lexicon_for(language) if translated else None
        odds.append(None if lexicon is None else lexicon.log_odds(text[:LONGEST_TEXT], source[:LONGEST_TEXT]))
    return score_of(odds)


def back_translation_odds(batch: Batch) -> Score:
    """The same from the words that prompt and back-translation share; not computed without a back-translation."""
    rows = zip(batch.text_en, batch.back_translation, batch.translated, strict=True)
    return score_of(
        [
            _back_odds(back[:LONGEST_TEXT], source[:LONGEST_TEXT])
            if translated and back is not None and back.strip()
            else None
            for source, back, translated in rows
        ]
    )


def correspondence(batch: Batch) -> Score:
    """Both together; not computed with neither."""
    from_text, from_back = batch.once(lexicon_odds), batch.once(back_translation_odds)
    return score_of(
        [
            None if one != one and other != other else (0.0 if one != one else one) + (0.0 if other != other else other)
            for one, other in zip(from_text.tolist(), from_back.tolist(), strict=True)  # NaN is unlike itself
        ]
    )


def overlap_log_odds(overlap: float) -> float:
    """What an overlap (0 to 1) of back-translation and prompt says."""
    return max(-_OVERLAP_LIMIT, min(_OVERLAP_LIMIT, _OVERLAP_INTERCEPT + _OVERLAP_SLOPE * overlap))


def correspondence_signature() -> str:
    return f"{lexicon_signature()} traits-{packs_digest('traits.toml')}"


def _back_odds(back: str, source: str) -> float:
    odds = overlap_log_odds(english_overlap(back, source))
    return odds if odds > 0 else odds * min(1.0, len(words(source)) / FEW_WORDS)
