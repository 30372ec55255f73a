"""related_language: does the text fit a closely related language better (Afrikaans instead of Dutch)?

On short texts, relatives share the probability of language_id, but the odds between two languages are clear. Relatives
that py3langid's model does not know show by words and letters of their own. Each of those adds to the odds, and a
single one in a sentence that otherwise fits the language, such as a name, does not outweigh the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from polyrefuse_data.languages import Language
from polyrefuse_data.languages.traits import Characters, Relatives
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, traits_signature
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.text.naive_bayes import model, model_name
from polyrefuse_data.text.words import without_shared_words

_SIGN = 30.0  # nats that one sign adds: what the model says of two or three words of a relative that it knows

# Odds from which the words of the prompt may be left out: names are often in a third language.
_SUSPICIOUS = -10.0


def relative_odds(batch: Batch) -> Scores:
    """Log-odds (nats) of the likeliest relative against the language. Not computed for languages whose traits name no
    relatives, or that the model does not know."""
    known = [language and _relatives_of(language) for language in batch.known]
    rows = [row for row, relatives in enumerate(known) if relatives and batch.prose[row].strip()]
    own = {row: relatives for row, relatives in enumerate(known) if relatives}
    odds = np.full(len(batch), np.nan)
    odds[rows] = _odds([batch.prose[row] for row in rows], [own[row] for row in rows])
    doubtful = [row for row in rows if odds[row] > _SUSPICIOUS]
    rest = [without_shared_words(batch.prose[row], batch.prose_en[row]) for row in doubtful]
    odds[doubtful] = np.minimum(odds[doubtful], _odds(rest, [own[row] for row in doubtful]))
    return {"relative_odds": odds}


def _odds(texts: Sequence[str], relatives: Sequence[_Relatives]) -> npt.NDArray[np.float64]:
    found = np.empty(len(texts))
    for row, (reading, text, known) in enumerate(zip(model().read_all(texts), texts, relatives, strict=True)):
        own, *others = reading.scores[known.columns].tolist()
        found[row] = max(others) - own + _SIGN * known.signs(text)
    return found


class _Relatives:
    """The relatives of a language: the model's columns for it and for known relatives, and signs of the others."""

    def __init__(self, traits: Relatives, columns: list[int]) -> None:
        self.columns = columns
        self._characters = traits.characters
        words = rf"(?<!\w)(?:{'|'.join(traits.words)})(?!\w)" if traits.words else ""
        self._signs = re.compile("|".join(filter(None, (words, traits.pattern)))) if words or traits.pattern else None

    def signs(self, text: str) -> float:
        """How many signs of relatives that the model does not know `text` has."""
        found = len(self._signs.findall(text.lower())) if self._signs else 0
        return found + (_foreign_characters(text, self._characters) if self._characters else 0)


@lru_cache(maxsize=64)
def _relatives_of(language: Language) -> _Relatives | None:
    traits = language.traits.relatives
    own = model().columns(frozenset({language.code}))
    if traits is None or not own:
        return None
    others = [column for label in traits.known for column in model().columns(frozenset({label}))]
    return _Relatives(traits, [*own, *others]) if others else None


def _foreign_characters(text: str, which: Characters) -> float:
    found = sum(_foreign(character, which.foreign, which.own, which.balanced) for character in text)
    return which.weight * max(0, found)


@lru_cache(maxsize=65536)
def _foreign(character: str, foreign: str, own: str, balanced: bool) -> int:
    """1 for a letter that only `foreign` encodes, -1 for one that only `own` does where `balanced`, else 0."""
    if not character.isalpha():  # the dot between foreign names is in one and not in the other
        return 0
    if _encodes(character, foreign):
        return int(not _encodes(character, own))
    return -int(balanced and _encodes(character, own))


def _encodes(character: str, standard: str) -> bool:
    try:
        return bool(character.encode(standard))
    except UnicodeEncodeError:
        return False


RELATED_LANGUAGE = Check(
    name="related_language",
    description="The text fits a closely related language better.",
    score=relative_odds,
    version="3",
    settings=lambda: f"{model_name()} {traits_signature()}",
    scores={"relative_odds": "log-odds, in nats, of the likeliest close relative against the language"},
    thresholds=[
        Threshold(
            "related_language",
            "relative_odds",
            at_most=0,
            source="published PolyRefuse rows: above their 99.8th percentile",
        )
    ],
)
