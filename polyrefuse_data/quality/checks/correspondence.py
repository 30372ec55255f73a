"""mismatched: the text, or its back-translation, answers to another prompt.

`correspondence` is the log-odds that the text translates this prompt and not another one, from the bundled lexicons
and, where there is a back-translation, from the words that it shares with the prompt.
"""

from __future__ import annotations

from polyrefuse_data.languages.lexicon import english_overlap, lexicon_for, lexicon_signature
from polyrefuse_data.quality.batch import LONGEST_TEXT, Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of, traits_signature

# Logistic regression of true against swapped pairs on the overlap of back-translation and prompt, over the published
# back-translations (de, ko, yi, yo): `python benchmarks/quality.py --fit-overlap`.
_OVERLAP_INTERCEPT, _OVERLAP_SLOPE = -8.0, 30.7
_OVERLAP_LIMIT = 12.0  # the most that a back-translation may say


def correspondence(batch: Batch) -> Scores:
    """Natural log-odds of each translated row; not computed without a lexicon and without a back-translation."""
    odds: list[float | None] = []
    rows = zip(batch.text, batch.text_en, batch.back_translation, batch.language, batch.translated, strict=True)
    for text, source, back, language, translated in rows:
        lexicon = lexicon_for(language) if translated else None
        parts = []
        if lexicon is not None:
            parts.append(lexicon.log_odds(text[:LONGEST_TEXT], source[:LONGEST_TEXT]))
        if translated and back is not None and back.strip():
            parts.append(overlap_log_odds(english_overlap(back[:LONGEST_TEXT], source[:LONGEST_TEXT])))
        odds.append(sum(parts) if parts else None)
    return Scores({"correspondence": score_of(odds)})


def overlap_log_odds(overlap: float) -> float:
    """What an overlap (0 to 1) of back-translation and prompt says."""
    return max(-_OVERLAP_LIMIT, min(_OVERLAP_LIMIT, _OVERLAP_INTERCEPT + _OVERLAP_SLOPE * overlap))


CHECK = Check("correspondence", correspondence, lambda: f"{lexicon_signature()} {traits_signature()}")
