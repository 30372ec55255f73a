"""debris: what a machine left around or in a translation, and the English prompt does not have (text/debris.py)."""

from __future__ import annotations

from functools import cache

from polyrefuse_data.languages import Language, find_language
from polyrefuse_data.quality.batch import LONGEST_TEXT
from polyrefuse_data.quality.checks.base import Check, score_translations, traits_signature
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.text.debris import Labels, debris


def kinds_of_debris(text: str, source: str, language: str) -> float:
    return float(len(debris(text[:LONGEST_TEXT], source[:LONGEST_TEXT], labels_of(find_language(language)))))


@cache
def labels_of(language: Language | None) -> Labels:
    """How a language is called, and what notes in it begin with."""
    if language is None:
        return Labels()
    own = language.traits.labels
    names = (language.name.partition(" (")[0], *own.own)
    codes = (language.flores, language.code)
    return Labels(names, codes, own.alternatives, own.notes, language.word_borders)


DEBRIS = Check(
    name="debris",
    description="The text has tokens, JSON, markup, labels, notes or quotation marks around it that its prompt lacks.",
    score=score_translations("debris", kinds_of_debris),
    version="2",
    settings=traits_signature,
    scores={"debris": "number of kinds of debris that occur more often in the text than in its English prompt"},
    thresholds=[Threshold("debris", "debris", at_most=0, source="of 20,880 good rows from five sources, two have any")],
)
