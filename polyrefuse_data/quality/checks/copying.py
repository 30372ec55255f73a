"""untranslated and partly_translated: how much of the text is the English prompt itself.

Three scores from the words that text and prompt share. `copy_ratio` is the share of the text's letters in words of the
prompt. `english_run` is the longest run of words that stands in the prompt in the same order, over the prompt's
letters; `english_phrase` the longest such run with an everyday English word in it. None of them counts what translators
rightly keep: names, quotations, terms (kept.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from polyrefuse_data.languages import Language
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of, traits_signature
from polyrefuse_data.quality.english_words import everyday_english
from polyrefuse_data.quality.kept import counts, without_kept
from polyrefuse_data.text.words import words

_ONE_WORD = 0.5  # a single shared word is a name or a loan (Shakespeare, weekend) more often than a rest of English
_LONGEST = 400  # words of text and prompt that are compared: a few words over and over cost the square of their number
_SHORTEST = 16  # letters: in a shorter prompt one word that both languages share would be half of it


def copying(batch: Batch) -> Scores:
    """copy_ratio, english_run and english_phrase of each translated row, 0 to 1."""
    ratios: list[float | None] = []
    runs: list[float | None] = []
    phrases: list[float | None] = []
    for text, source, known, translated in zip(batch.prose, batch.prose_en, batch.known, batch.translated, strict=True):
        if not translated:
            ratio = run = phrase = None
        elif not any(map(counts, set(words(source)).intersection(words(text)))):
            ratio = run = phrase = 0.0
        else:
            target, prompt = without_kept(text, source)
            ratio = copy_ratio(target, prompt, known)
            run, phrase = english_runs(target, prompt, everyday_english(known))
        ratios.append(ratio)
        runs.append(run)
        phrases.append(phrase)
    return Scores({"copy_ratio": score_of(ratios), "english_run": score_of(runs), "english_phrase": score_of(phrases)})


def copy_ratio(target: Sequence[str], prompt: Sequence[str], language: Language | None = None) -> float:
    """Letters of `target` in words that `prompt` holds too (as often as it does), over the letters of `target`."""
    weight = language.density if language else 1.0
    left = Counter(prompt)
    copied = total = 0.0
    for word in target:
        letters = len(word) if word.isascii() else len(word) * weight
        total += letters
        if left[word] > 0:
            left[word] -= 1
            copied += letters
    return copied / total if total else 0.0


def english_runs(target: Sequence[str], prompt: Sequence[str], everyday: Collection[str]) -> tuple[float, float]:
    """(longest run, longest run that holds a word of `everyday`) of words of `target` that stand in `prompt` in the
    same order: both in letters, over the letters of `prompt`."""
    target, prompt = target[:_LONGEST], prompt[:_LONGEST]
    places: dict[str, list[int]] = {}
    for place, word in enumerate(prompt):
        places.setdefault(word, []).append(place)
    run = phrase = 0.0
    ending: dict[int, _Run] = {}  # place in the prompt -> the run that ends there
    for word in target:
        english = word in everyday
        ending = {place: _longer(ending.get(place - 1), word, english) for place in places.get(word, ())}
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


CHECK = Check("copying", copying, traits_signature)
