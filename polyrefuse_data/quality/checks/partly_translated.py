"""partly_translated: a run of words from the English prompt is left in the text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import PUBLISHED_ROWS, Check, Scores, score_of, traits_signature
from polyrefuse_data.quality.copied_words import copied_words
from polyrefuse_data.quality.english_words import everyday_english
from polyrefuse_data.quality.thresholds import Threshold

_ONE_WORD = 0.5  # a single shared word is a name or a loan (Shakespeare, weekend) more often than a rest of English
_LONGEST = 400  # words of text and prompt that are compared: a few words over and over cost the square of their number
_SHORTEST = 16  # letters: in a shorter prompt one word that both languages share would be half of it


def english_left(batch: Batch) -> Scores:
    found = [
        (None, None) if words is None else english_runs(*words, everyday_english(known)) if words[0] else (0.0, 0.0)
        for words, known in zip(batch.once(copied_words), batch.known, strict=True)
    ]
    return {"english_run": score_of([run for run, _ in found]), "english_phrase": score_of([p for _, p in found])}


def english_runs(target: Sequence[str], prompt: Sequence[str], everyday: Collection[str]) -> tuple[float, float]:
    """(longest run, longest run containing a word of `everyday`) of words of `target` that also occur in `prompt` in
    the same order, both as letters over the letters of `prompt`."""
    target, prompt = target[:_LONGEST], prompt[:_LONGEST]
    places: dict[str, list[int]] = {word: [] for word in set(target).intersection(prompt)}
    for place, word in enumerate(prompt):
        if word in places:
            places[word].append(place)
    run = phrase = 0.0
    ending: dict[int, _Run] = {}  # place in the prompt -> the run that ends there
    for word in target:
        if word not in places:
            ending = {}
            continue
        english = word in everyday
        ending = {place: _longer(ending.get(place - 1), word, english) for place in places[word]}
        for found in ending.values():
            letters = found.letters if found.words > 1 else found.letters * _ONE_WORD
            run = max(run, letters)
            if found.is_phrase:
                phrase = max(phrase, letters)
    total = max(_SHORTEST, sum(map(len, prompt)))
    return run / total, phrase / total


class _Run(NamedTuple):
    letters: int
    words: int
    is_phrase: bool


def _longer(before: _Run | None, word: str, english: bool) -> _Run:
    letters, count, is_phrase = before or (0, 0, False)
    return _Run(letters + len(word), count + 1, is_phrase or english)


PARTLY_TRANSLATED = Check(
    name="partly_translated",
    description="A run of words from the English prompt is left untranslated.",
    score=english_left,
    version="2",
    settings=traits_signature,
    scores={
        "english_run": "letters of the longest such run divided by those of the prompt; a single word counts half",
        "english_phrase": "the same for runs with an everyday English word; neither counts what a translation may keep",
    },
    thresholds=[
        Threshold("partly_translated", "english_run", at_most=0.3, source=PUBLISHED_ROWS, name="partly_translated_run"),
        Threshold(
            "partly_translated", "english_phrase", at_most=0.1, source=PUBLISHED_ROWS, name="partly_translated_phrase"
        ),
    ],
)
