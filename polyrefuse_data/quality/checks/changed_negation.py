"""changed_negation: a "not" that the prompt has and its back-translation lacks, or the other way round."""

from __future__ import annotations

from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.meaning.polarity import count, lost_negations
from polyrefuse_data.quality.meaning.signs import SCALE, Row, meaning_signature, strengths
from polyrefuse_data.quality.thresholds import Threshold

_HALF = 0.5  # a denial without "not" excuses half a negation (polarity.py): one alone is no proof


def _sign(row: Row) -> bool:
    """The text, where it can be asked, sides with the back-translation."""
    if lost_negations(row.prompt, row.back) <= _HALF:
        return False
    prompt_has_more = count(row.prompt) > count(row.back)
    return row.negates is None or row.negates != prompt_has_more


CHANGED_NEGATION = Check(
    name="changed_negation",
    description="The back-translation negates what the prompt does not, or vice versa.",
    score=lambda batch: {"changed_negation": strengths(batch, _sign)},
    version="2",
    settings=meaning_signature,
    scores={"changed_negation": SCALE},
    thresholds=[
        Threshold(
            "changed_negation",
            "changed_negation",
            at_most=0,
            source="a hint: have people check a sample",
            rejects=False,
        ),
        Threshold(
            "changed_negation",
            "changed_negation",
            at_most=1,
            human=2,
            source="tuned on our whole half of DEMETR and on published back-translations (docs/meaning.md)",
            name="changed_negation_sure",
        ),
    ],
)
