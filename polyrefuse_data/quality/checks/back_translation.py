"""back_translation: chrF++ of the back-translation against the English prompt, with BLEU for information.

A filter for gross failures: a copy scores 100, so neither is ever a measure of quality. A prompt of a few words may
come back in other ones, so for these chrF counts only where the lexicon speaks against the row too.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores
from polyrefuse_data.quality.correspondence import FEW_WORDS, correspondence_signature, lexicon_odds
from polyrefuse_data.quality.thresholds import Score, Threshold
from polyrefuse_data.text.overlap import chrf_and_bleu


def back_translation_scores(batch: Batch) -> Scores:
    """chrF++ and BLEU of each translated row that has a back-translation."""
    pairs = zip(batch.back_translation, batch.translated, strict=True)
    rows = [row for row, (back, translated) in enumerate(pairs) if translated and back is not None]
    chrf, bleu = np.full(len(batch), np.nan), np.full(len(batch), np.nan)
    if rows:
        chrf[rows], bleu[rows] = chrf_and_bleu(
            [batch.back_translation[row] or "" for row in rows], [batch.text_en[row] for row in rows]
        )
    return {"chrf": chrf, "bleu": bleu, "chrf_counted": _counted(batch, chrf)}


def _counted(batch: Batch, chrf: Score) -> Score:
    short = np.array([len(source.split()) < FEW_WORDS for source in batch.text_en], dtype=bool)
    if not (short & ~np.isnan(chrf)).any():
        return chrf
    return np.where(short & (batch.once(lexicon_odds) >= 0), np.nan, chrf)


@lru_cache(maxsize=1)
def signature() -> str:
    """sacrebleu's own signatures of the two metrics."""
    from sacrebleu.metrics import BLEU, CHRF

    metrics = CHRF(word_order=2), BLEU(effective_order=True)
    for metric in metrics:  # a metric knows its signature once it has seen how many references there are
        metric.sentence_score("", [""])
    return " ".join(str(metric.get_signature()) for metric in metrics)


BACK_TRANSLATION = Check(
    name="back_translation",
    description="The back-translation has little in common with the English prompt.",
    score=back_translation_scores,
    settings=lambda: f"{signature()} {correspondence_signature()}",
    version="3",
    scores={
        "chrf": "chrF++ of the back-translation against the prompt, 0 to 100",
        "bleu": "BLEU of the same, 0 to 100; for information only",
        "chrf_counted": f"chrF++ if the prompt has at least {FEW_WORDS} words, or the lexicon speaks against the row",
    },
    thresholds=[
        Threshold(
            "back_translation",
            "chrf_counted",
            at_least=20,
            source="chrF++: 1st percentiles of true pairs are 21-41, 99th percentiles of mismatched pairs 24-31",
        )
    ],
)
