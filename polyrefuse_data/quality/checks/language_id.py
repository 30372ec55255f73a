"""language_id: is the text in the row's language? By default decided by py3langid, among all languages it knows.

Restricted to the dataset's own languages, an identifier would assign any other text to one of them (Yiddish becomes
Yoruba). So the set stays open, and a language's aliases count as the language.
"""

from __future__ import annotations

from polyrefuse_data.languages import SOURCE_LANGUAGE, find_language
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of, traits_signature
from polyrefuse_data.quality.english_words import everyday_english
from polyrefuse_data.quality.identifiers import Identifier, identifier, identifier_name
from polyrefuse_data.quality.kept import without_names
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.text.words import words

# English prompts may be about texts of another language ("Translate ... into English"), and may be as short as a name.
_OPENING = 3  # words, of which one shows that English is spoken
_SHORTEST_WORD = 3  # letters; shorter ones are words of half the languages
_FEWEST_LETTERS = 10

_DOUBTFUL = 0.5  # p below which the words of the prompt are left out: names are often in a third language


def language_confidence(batch: Batch, identify: Identifier) -> Scores:
    """Probability of the row's language, aliases included, and the most probable language.

    Rows in languages that the identifier does not know get no probability, because its answer is always wrong. The same
    goes for English prompts that open in English although most of their words are in another language.
    """
    guesses = _guesses(batch, identify)
    confidences: list[float | None] = []
    detected: list[str | None] = []
    for text, code, known, guess in zip(batch.prose, batch.language, batch.known, guesses, strict=True):
        if known is None or guess is None:
            confidence, best = None, None
        else:
            found, p = guess
            can = not known.identifiers.isdisjoint(identify.labels)
            foreign = found not in known.identifiers
            unsure = not can or (code == SOURCE_LANGUAGE and foreign and _is_plainly_english(text, found))
            confidence = None if unsure else p
            best = found if foreign else known.code
        confidences.append(confidence)
        detected.append(best)
    return {"language_confidence": score_of(confidences), "detected_language": detected}


def _guesses(batch: Batch, identify: Identifier) -> list[tuple[str, float] | None]:
    """(most probable language, probability of the row's own) for each row with a text in a known language."""
    identify.read_ahead(batch.prose)
    guesses = [
        identify.probability(text, known.identifiers) if known is not None and text.strip() else None
        for text, known in zip(batch.prose, batch.known, strict=True)
    ]
    doubtful = {
        row: without_names(batch.prose[row], batch.prose_en[row])
        for row, guess in enumerate(guesses)
        if guess is not None and guess[1] < _DOUBTFUL and batch.language[row] != SOURCE_LANGUAGE
    }
    identify.read_ahead(list(doubtful.values()))
    for row, rest in doubtful.items():
        if (known := batch.known[row]) is not None and (guess := guesses[row]) is not None:
            guesses[row] = guess[0], max(guess[1], identify.probability(rest, known.identifiers)[1])
    return guesses


def _is_plainly_english(text: str, found: str) -> bool:
    """Whether a text identified as `found` opens in English, or is too short to identify."""
    opening = [word for word in words(text)[:_OPENING] if len(word) >= _SHORTEST_WORD]
    return (
        not everyday_english(find_language(found)).isdisjoint(opening) or sum(map(str.isalpha, text)) < _FEWEST_LETTERS
    )


def language_id(name: str) -> Check:
    """The check with the identifier `name` (identifiers.py), which is created with the first batch."""
    return Check(
        name="language_id",
        description="The text is not in the row's language.",
        score=lambda batch: language_confidence(batch, identifier(name)),
        settings=lambda: f"{identifier_name(name)} {traits_signature()}",
        scores={
            "language_confidence": "probability of the language (aliases included) among all that the identifier "
            "covers, for the prose alone (without placeholders, addresses and code) and, in doubt, also without the "
            "prompt's words",
            "detected_language": "the most probable language",
        },
        labels=["detected_language"],
        version="4",
        thresholds=[
            Threshold(
                "language_id",
                "language_confidence",
                at_least=0.06,
                source="published PolyRefuse rows: rejects 0.1% of good rows",
            )
        ],
    )


LANGUAGE_ID = language_id("py3langid")
