"""back_translation: chrF++ of the back-translation against the English prompt, with BLEU for information.

A filter for gross failures: a copy scores 100, so neither is ever a measure of quality. A good translation may come
back in other words ("write instructions for the construction of" for "write a tutorial on how to make"), so chrF counts
only where the lexicon does not speak for the row.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores
from polyrefuse_data.quality.correspondence import correspondence_signature, lexicon_odds
from polyrefuse_data.quality.thresholds import Score, Threshold
from polyrefuse_data.text.overlap import chrf_and_bleu

_ANOTHER_TEXT = 5.0  # chrF++: below, the back-translation is empty or in another script, whatever the row is


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
    if np.isnan(chrf).all():
        return chrf
    return np.where((batch.once(lexicon_odds) >= 0) & (chrf >= _ANOTHER_TEXT), np.nan, chrf)


# What sacrebleu says of CHRF(word_order=2) and BLEU(effective_order=True), told without importing it.
_SIGNATURES = (
    "nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:{0}",
    "nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp|version:{0}",
)


def signature() -> str:
    """sacrebleu's own signatures of the two metrics."""
    return " ".join(_SIGNATURES).format(version("sacrebleu"))


BACK_TRANSLATION = Check(
    name="back_translation",
    description="The back-translation has little in common with the English prompt.",
    score=back_translation_scores,
    settings=lambda: f"{signature()} {correspondence_signature()}",
    version="4",
    scores={
        "chrf": "chrF++ of the back-translation against the prompt, 0 to 100",
        "bleu": "BLEU of the same, 0 to 100; for information only",
        "chrf_counted": "chrF++ again, not computed for rows that the lexicon supports",
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
