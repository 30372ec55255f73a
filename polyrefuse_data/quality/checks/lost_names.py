"""lost_names: a name of the prompt is not in the text, as it stands or as its language spells it. Where there is a
back-translation, `replaced_names` knows more."""

from __future__ import annotations

from polyrefuse_data.languages import packs_digest
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores
from polyrefuse_data.quality.meaning.kept_names import least_kept
from polyrefuse_data.quality.meaning.tables import COMMON, OWN, TRANSLATED
from polyrefuse_data.quality.thresholds import Threshold, score_of


def names_kept(batch: Batch) -> Scores:
    rows = zip(batch.text, batch.text_en, batch.back_translation, batch.known, batch.translated, strict=True)
    return {
        "names_kept": score_of(
            [
                least_kept(source, text, known) if translated and known and not (back and back.strip()) else None
                for text, source, back, known, translated in rows
            ]
        )
    }


LOST_NAMES = Check(
    name="lost_names",
    description="A name in the prompt is not in the text.",
    score=names_kept,
    settings=lambda: f"names-{packs_digest(COMMON.name, TRANSLATED.name, OWN.name, 'names.toml')}",
    scores={
        "names_kept": "how much of the prompt's worst-kept name is in the text, 0 to 1, in Latin letters or by its "
        "consonants; not computed for rows with a back-translation or scripts without names.toml"
    },
    thresholds=[
        Threshold(
            "lost_names",
            "names_kept",
            at_least=0.75,
            source="a hint: have people check a sample; tuned on planted names and good rows (docs/meaning.md)",
            rejects=False,
        )
    ],
)
