"""replaced_names: another name, place or product than the prompt's."""

from __future__ import annotations

from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.meaning.names import replaced_names
from polyrefuse_data.quality.meaning.signs import SCALE, Row, meaning_signature, strengths
from polyrefuse_data.quality.thresholds import Threshold

_LATIN = "Latn"


def _sign(row: Row) -> bool:
    keeps_names = row.language is not None and row.language.script == _LATIN
    return replaced_names(row.prompt, row.back, row.text, keeps_names=keeps_names) > 0


REPLACED_NAMES = Check(
    name="replaced_names",
    description="A name in the prompt is neither in the text nor in its back-translation.",
    score=lambda batch: {"replaced_names": strengths(batch, _sign)},
    version="2",
    settings=meaning_signature,
    scores={"replaced_names": SCALE},
    thresholds=[
        Threshold(
            "replaced_names",
            "replaced_names",
            at_most=0,
            source="a hint: have people check a sample",
            rejects=False,
        ),
        Threshold(
            "replaced_names",
            "replaced_names",
            at_most=1,
            human=2,
            source="tuned on our whole half of DEMETR and on published back-translations (docs/meaning.md)",
            name="replaced_names_sure",
        ),
    ],
)
