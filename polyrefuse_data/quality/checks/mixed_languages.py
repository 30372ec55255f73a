"""mixed_languages: a sentence, half of the text or a few words are in another language.

language_id looks at the whole text: half of a French row may be Spanish without lowering its probability. This score is
the strongest case that any run of words makes for another language. English from the prompt is left to
partly_translated, which distinguishes it from names and terms that translators keep.
"""

from __future__ import annotations

import numpy as np

from polyrefuse_data.languages import SOURCE_LANGUAGE, Language, language_packs
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, traits_signature
from polyrefuse_data.quality.kept import without_names
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.text.naive_bayes import model, model_name

# Nats from which the words of the prompt are left out: names and quotations speak for other languages too.
_SUSPICIOUS = 10.0


def foreign_run(batch: Batch) -> Scores:
    """Nats by which some run of words speaks for another language that has a pack. Not computed for English rows and
    for languages that the model does not know."""
    packs = language_packs()
    columns = {known.code: _columns(known) for known in {*packs.values(), *batch.known} if known is not None}
    others = tuple(columns[code][0] for code in packs if columns[code])
    rows = [row for row, code in enumerate(batch.language) if code != SOURCE_LANGUAGE and columns.get(code)]
    own = {row: columns[batch.language[row]][0] for row in rows}

    found = np.full(len(batch), np.nan)
    found[rows] = model().longest_runs([batch.prose[row] for row in rows], list(own.values()), others)
    doubtful = [row for row in rows if found[row] > _SUSPICIOUS]
    rest = [without_names(batch.prose[row], batch.prose_en[row]) for row in doubtful]
    found[doubtful] = model().longest_runs(rest, [own[row] for row in doubtful], others)
    return {"foreign_run": found}


def _columns(known: Language) -> tuple[int, ...]:
    """The model's columns for a language: its own code first, then its aliases."""
    return model().columns(frozenset({known.code})) or model().columns(known.identifiers)


MIXED_LANGUAGES = Check(
    name="mixed_languages",
    description="A sentence, half of the text or a few words are in another language.",
    score=foreign_run,
    version="2",
    settings=lambda: f"{model_name()} {traits_signature()}",
    scores={"foreign_run": "log-odds, in nats, that some run of words is in another language that has a pack"},
    thresholds=[
        Threshold(
            "mixed_languages",
            "foreign_run",
            at_most=16,
            source="published PolyRefuse rows: above their 99.8th percentile, and above what one word can contribute",
        )
    ],
)
