"""improbable: all signs together speak against the row. Only for configs that give the flag a bound.

Other flags each follow from one sign, which a person can check; this one weighs them all. Rows far down are rejected by
a single sign already, nearly all of them, so the flag would only repeat that: reports list the others by `p_good`.
"""

from __future__ import annotations

from math import inf

from polyrefuse_data.languages import packs_digest
from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.probability.evidence import P_GOOD, probability
from polyrefuse_data.quality.thresholds import Threshold

IMPROBABLE = Check(
    name="improbable",
    description="Taken together, the scores make it improbable that the row is good.",
    derive=lambda scores: {P_GOOD: probability(scores)},
    settings=lambda: f"probability-{packs_digest('probability.toml')}",
    scores={
        P_GOOD: "probability that the row is good, from all its scores, if half of the rows were faulty "
        "([meaning](meaning.md#the-probability-p_good))"
    },
    thresholds=[
        Threshold(
            "improbable",
            P_GOOD,
            at_least=-inf,
            source="no bound; below 0.3 lie 0.5% of accepted good rows and 8% of accepted faulty ones",
            rejects=False,
        )
    ],
)
