"""mismatched: something shows that the text, or its back-translation, says something else than its prompt.

Words that the lexicon does not find again are no such evidence (unverified_meaning.py). Another prompt of the set is,
where the text fits it clearly better; and so is a back-translation that shares no words with the prompt.
"""

from __future__ import annotations

import numpy as np

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Together, score_of
from polyrefuse_data.quality.correspondence import back_translation_odds, correspondence, correspondence_signature
from polyrefuse_data.quality.other_prompts import fits_another_prompt
from polyrefuse_data.quality.thresholds import Score, Threshold


def agreement(batch: Batch) -> Score:
    """The correspondence of rows whose back-translation speaks against them; not computed for others."""
    against = batch.once(back_translation_odds) < 0
    return np.where(against, batch.once(correspondence), np.nan)


def own_english(batch: Batch) -> Score:
    """1 if the text of an English row is its `text_en`, else 0; not computed for others."""
    rows = zip(batch.language, batch.text, batch.text_en, strict=True)
    return score_of(
        [
            float(text.split() == source.split())
            if code == SOURCE_LANGUAGE and text.strip() and source.strip()
            else None
            for code, text, source in rows
        ]
    )


MISMATCHED = Check(
    name="mismatched",
    description="The text or its back-translation fits another prompt.",
    score=lambda batch: {"agreement": agreement(batch), "own_english": own_english(batch)},
    together=Together("other_prompt", fits_another_prompt),
    settings=correspondence_signature,
    version="2",
    scores={
        "agreement": "`correspondence` of a row whose back-translation shares too few words with the prompt",
        "own_english": "1 if the text of an English row is its `text_en`, else 0",
        "other_prompt": "nats by which the text fits another prompt better than its own; computed over the whole "
        "dataset",
    },
    thresholds=[
        Threshold(
            "mismatched",
            "agreement",
            at_least=-2,
            human=-6,
            source="swapped back-translations lie below, true ones above",
        ),
        Threshold(
            "mismatched",
            "own_english",
            at_least=1,
            source="an English row is its own prompt",
            name="mismatched_english",
        ),
        Threshold(
            "mismatched",
            "other_prompt",
            at_most=5,
            human=7,
            source="tuned on our whole halves of MultiJail and NTREX: 0.3% of good rows lie above, 0.1% above 7",
            name="mismatched_prompt",
        ),
    ],
)
