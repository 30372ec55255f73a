"""translator_refused and translator_answered: a chat model that declined, or that did what the prompt asks, instead of
translating it.

Looked for in the text, in its language and in English, and in the back-translation, which is English. An opening that
the English prompt may have itself does not count; without an English prompt only what no prompt begins with does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE, Language, packs_digest
from polyrefuse_data.languages.replies import CANNOT, Opening, Openings, Replies, excuses
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of
from polyrefuse_data.text.clauses import read_clauses
from polyrefuse_data.text.folding import fold_letters, fold_reply

REFUSAL, ANSWER = "refusal", "answer"

_OPENING = 400  # a reply shows what it is in its first sentences
_PROMPT = 2000  # and what excuses it may stand anywhere in a prompt
_BEGINNING = 60  # characters: what is declined is said by then ("I am sorry, but as an assistant I cannot help with")
_LATIN = re.compile("[a-z]{2}")


def replies(batch: Batch) -> Scores:
    """`refusal` and `answer`: 1 where the text or its back-translation has such an opening, else 0; NaN for English."""
    rows = zip(batch.text, batch.text_en, batch.back_translation, batch.language, batch.known, strict=True)
    found = [
        (None, None) if code == SOURCE_LANGUAGE or not text.strip() else _replies(text, source, back, known)
        for text, source, back, code, known in rows
    ]
    return Scores({REFUSAL: score_of([row[0] for row in found]), ANSWER: score_of([row[1] for row in found])})


def _replies(text: str, source: str, back: str | None, language: Language | None) -> tuple[float, float]:
    prompt = fold_letters(source[:_PROMPT].strip())
    english = LANGUAGES[SOURCE_LANGUAGE]
    readings = [_Reading(text, language)] if language and language.replies else []
    if _LATIN.search(fold_letters(text[:_OPENING])):
        readings.append(_Reading(text, english))
    if back:
        readings.append(_Reading(back, english))
    refused = any(_counts(reading.refusals(bool(prompt)), prompt) for reading in readings)
    answered = any(_counts(reading.answers(bool(prompt)), prompt) for reading in readings)
    return float(refused), float(answered)


def _counts(openings: Iterable[Opening], prompt: str) -> bool:
    """Whether any of these speaks against a translation of a folded English prompt, empty where there is none."""
    for opening in openings:
        found = [excuse for says in opening.says for excuse in excuses()[says]]
        if not any(excuse.words.search(prompt) for excuse in found) if prompt else all(each.alone for each in found):
            return True
    return False


class _Reading:
    """A text as the openings of a language are looked for in it. Without an English prompt, only where it begins."""

    def __init__(self, text: str, language: Language) -> None:
        assert language.replies is not None
        self._replies: Replies = language.replies
        self._text = text[:_OPENING]
        self._folded = read_clauses(fold_letters(self._text), language.traits.writing.space_ends_sentence)

    def refusals(self, anywhere: bool) -> Iterator[Opening]:
        yield from self._at(self._replies.refuses, self._folded.clauses, anywhere)
        for match in self._replies.declines.expression.finditer(self._folded.text):
            if anywhere or match.start() < _BEGINNING:
                yield from self._replies.declines.at(self._folded.text, match.start())
        if self._replies.cannot(fold_reply(self._text), _BEGINNING):
            yield Opening((CANNOT,), "")

    def answers(self, anywhere: bool) -> Iterator[Opening]:
        yield from self._at(self._replies.answers, self._folded.sentences, anywhere)

    def _at(self, openings: Openings, places: Sequence[int], anywhere: bool) -> Iterator[Opening]:
        for place in places if anywhere else places[:1]:
            yield from openings.at(self._folded.text, place)


def signature() -> str:
    """Of every pack's replies, and of what excuses them."""
    return f"replies-{packs_digest('replies.toml', 'excuses.toml')}"


CHECK = Check("replies", replies, signature, version="2")
