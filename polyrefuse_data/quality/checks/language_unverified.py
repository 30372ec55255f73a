"""language_unverified: the identifier does not know the language (Yiddish for py3langid, Yoruba for langdetect)."""

from __future__ import annotations

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of, traits_signature
from polyrefuse_data.quality.identifiers import Identifier, identifier, identifier_name
from polyrefuse_data.quality.thresholds import Threshold


def identifiable(batch: Batch, identify: Identifier) -> Scores:
    rows = zip(batch.prose, batch.known, strict=True)
    values = [
        float(not known.identifiers.isdisjoint(identify.labels)) if known is not None and text.strip() else None
        for text, known in rows
    ]
    return {"identifiable": score_of(values)}


def language_unverified(name: str) -> Check:
    """The check with the identifier `name`."""
    return Check(
        name="language_unverified",
        description="The language identifier does not cover the row's language, so the language is unconfirmed.",
        score=lambda batch: identifiable(batch, identifier(name)),
        settings=lambda: f"{identifier_name(name)} {traits_signature()}",
        scores={"identifiable": "1 if the identifier covers the language, else 0"},
        thresholds=[
            Threshold(
                "language_unverified",
                "identifiable",
                at_least=1,
                source="the identifier must cover the language",
                rejects=False,
            )
        ],
    )


LANGUAGE_UNVERIFIED = language_unverified("py3langid")
