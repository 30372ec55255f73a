"""unverified_meaning: nothing shows that the text says what its prompt says, and nothing shows that it does not.

The lexicons know the words of some thousand prompts, and a good translation of another field may use none of them. That
is no fault: the row stays, the report counts it, and `polyrefuse show --flag unverified_meaning`
lists such rows. What contradicts a row is `mismatched`.
"""

from __future__ import annotations

from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.correspondence import correspondence, correspondence_signature
from polyrefuse_data.quality.thresholds import Threshold

UNVERIFIED_MEANING = Check(
    name="unverified_meaning",
    description="Neither the lexicon nor a back-translation shows that the text says what its prompt says.",
    score=lambda batch: {"correspondence": batch.once(correspondence)},
    settings=correspondence_signature,
    scores={"correspondence": "log-odds, in nats, that the text translates this prompt rather than another"},
    thresholds=[
        Threshold(
            "unverified_meaning",
            "correspondence",
            at_least=-2,
            source="cross-validated on published rows: about 1% of good rows that the lexicon has not seen lie below",
            rejects=False,
        )
    ],
)
