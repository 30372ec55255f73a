"""mismatched: the text, or its back-translation, answers to another prompt; an English row is not its own prompt."""

from __future__ import annotations

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.languages.lexicon import english_overlap, lexicon_for, lexicon_signature
from polyrefuse_data.quality.batch import LONGEST_TEXT, Batch
from polyrefuse_data.quality.checks.base import Check, score_of, traits_signature
from polyrefuse_data.quality.thresholds import Score, Threshold

# Logistic regression of true against swapped pairs on the overlap of back-translation and prompt, over the published
# back-translations (de, ko, yi, yo): `python benchmarks/quality.py --fit-overlap`.
_OVERLAP_INTERCEPT, _OVERLAP_SLOPE = -8.0, 30.7
_OVERLAP_LIMIT = 12.0  # the most that a back-translation may say


def correspondence(batch: Batch) -> Score:
    """Natural log-odds that each translated row translates its prompt and not another one, from the lexicons and, where
    there is a back-translation, from the words that it shares with the prompt; not computed with neither."""
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
    return score_of(odds)


def overlap_log_odds(overlap: float) -> float:
    """What an overlap (0 to 1) of back-translation and prompt says."""
    return max(-_OVERLAP_LIMIT, min(_OVERLAP_LIMIT, _OVERLAP_INTERCEPT + _OVERLAP_SLOPE * overlap))


def own_english(batch: Batch) -> Score:
    """1 where an English row says what its `text_en` says, else 0; not computed for others."""
    rows = zip(batch.language, batch.text, batch.text_en, strict=True)
    return score_of(
        [
            float(text.split() == source.split())
            if code == SOURCE_LANGUAGE and text.strip() and source.strip()
            else None
            for code, text, source in rows
        ]
    )


def mismatched_signature() -> str:
    return f"{lexicon_signature()} {traits_signature()}"


MISMATCHED = Check(
    name="mismatched",
    description="The text, or its back-translation, answers to another prompt.",
    score=lambda batch: {"correspondence": correspondence(batch), "own_english": own_english(batch)},
    settings=mismatched_signature,
    scores={
        "correspondence": "log-odds, in nats, that the text translates this prompt and not another one",
        "own_english": "1 where an English row says what its `text_en` says, else 0",
    },
    thresholds=[
        Threshold(
            "mismatched",
            "correspondence",
            at_least=-2,
            source="cross-validated on published rows: about 1% of good rows that the lexicon has not seen lie below",
        ),
        Threshold(
            "mismatched",
            "own_english",
            at_least=1,
            source="an English row is its own prompt",
            name="mismatched_english",
        ),
    ],
)
