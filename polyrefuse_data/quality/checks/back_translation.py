"""back_translation: chrF++ and BLEU of the back-translation against the English prompt.

A filter for gross failures: a copy scores 100, so neither is ever a measure of quality.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores
from polyrefuse_data.text.overlap import chrf_and_bleu


def back_translation_scores(batch: Batch) -> Scores:
    """`chrf` and `bleu` of each translated row that has a back-translation, 0 to 100; `came_back` is 0 where somebody
    was asked to translate back and did not."""
    pairs = zip(batch.back_translation, batch.translated, strict=True)
    rows = [row for row, (back, translated) in enumerate(pairs) if translated and back is not None]
    chrf, bleu = np.full(len(batch), np.nan), np.full(len(batch), np.nan)
    if rows:
        chrf[rows], bleu[rows] = chrf_and_bleu(
            [batch.back_translation[row] or "" for row in rows], [batch.text_en[row] for row in rows]
        )
    asked = zip(batch.back_translation, batch.back_translator, batch.translated, strict=True)
    came_back = [np.nan if not (who and row) else float(back is not None) for back, who, row in asked]
    return Scores({"chrf": chrf, "bleu": bleu, "came_back": np.array(came_back, dtype=np.float64)})


@lru_cache(maxsize=1)
def signature() -> str:
    """sacrebleu's own signatures of the two metrics."""
    from sacrebleu.metrics import BLEU, CHRF

    metrics = CHRF(word_order=2), BLEU(effective_order=True)
    for metric in metrics:  # a metric knows its signature once it has seen how many references there are
        metric.sentence_score("", [""])
    return " ".join(str(metric.get_signature()) for metric in metrics)


CHECK = Check("back_translation", back_translation_scores, signature)
