"""How well every text fits every prompt: log-odds that it translates this one rather than another in the list.

Four cues survive translation: length, numbers and words that stay the same, punctuation, and, with a bilingual lexicon,
words and their translations. Their sum is compared with its rivals (the other prompts for the same text and the other
texts for the same prompt), so that what all prompts of a list share counts for nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from polyrefuse_data.languages.lexicon import Lexicon
from polyrefuse_data.text.bags import Matrix, held, holders
from polyrefuse_data.text.invisible import visible
from polyrefuse_data.text.words import without_accents

# Nats a unit of each cue. Prompts pick out their translations best under 12.3, 1.6, 3.2 and 0.97 (conditional logit on
# half of the published prompts, NTREX and MultiJail, with lexicons and without: `benchmarks/alignment.py --fit`); taken
# about a tenth milder, for texts of other kinds say less. On either half of the prompts the cues tell 4.3 nats a row
# with lexicons and 3.1 without, of the log(120) = 4.8 that there are to tell.
WEIGHTS = {"length": 11.8, "kept": 1.4, "marks": 2.9, "lexicon": 0.85}

# The most of a cue, so that no single one decides: difference of log-lengths, log(n / df), difference of log-counts.
_MOST_LENGTH, _MOST_KEPT, _MOST_MARKS = 1.2, 12.0, 1.5

# Numbers stay whole; of words in Latin letters four are compared, accents apart: names, loans and cognates.
_KEPT_WORD = re.compile(r"[0-9]+|[a-z]{3,}")
_KEPT_LETTERS = 4
_DIGIT = re.compile(r"\d")
_MARKS = [re.compile(kind) for kind in ("[?？؟՞፧]", "[.。।!！?？؟]", "[,，、،]", "[:：]", '["“”«»„‟「」『』]')]

_LONGEST = 20_000  # characters of a text that are looked at; no prompt is longer, a broken one may be


def pair_odds(english: Sequence[str], texts: Sequence[str], lexicon: Lexicon | None = None) -> Matrix:
    """Log-odds in nats that a text (column) translates an English text (row), relative to the average pair of the
    lists.

    An empty text gives no evidence for any pair.
    """
    texts = [visible(text[:_LONGEST]).strip() for text in texts]
    said = np.array([bool(text) for text in texts], dtype=bool)
    odds = np.zeros((len(english), len(texts)), np.float32)
    if english and said.any():
        found = cues([visible(text[:_LONGEST]) for text in english], [text for text in texts if text], lexicon)
        odds[:, said] = against_rivals(np.sum([WEIGHTS[name] * cue for name, cue in found.items()], axis=0))
    return odds


def cues(english: Sequence[str], texts: Sequence[str], lexicon: Lexicon | None) -> dict[str, Matrix]:
    """The evidence of each cue for every pair of `visible` texts, in the cue's own unit; higher is better."""
    found = {"length": _lengths(english, texts), "kept": _kept(english, texts), "marks": _marks(english, texts)}
    if lexicon is not None:
        found["lexicon"] = lexicon.word_odds(english, texts)
    return found


def against_rivals(fit: Matrix) -> Matrix:
    """The lead of a pair over the average pair of its text, in nats, minus half of what that average has for its
    prompt.

    Texts come first: one left in English shares words with every prompt and would rival all translations.
    """
    ours = fit - _log_mean_exp(fit, 0)
    return np.asarray(ours - _log_mean_exp(ours, 1) / 2)


def _log_mean_exp(values: Matrix, axis: int) -> Matrix:
    most = values.max(axis=axis, keepdims=True)
    return np.asarray(most + np.log(np.exp(values - most).mean(axis=axis, keepdims=True)))


def _lengths(english: Sequence[str], texts: Sequence[str]) -> Matrix:
    """Squared distance of the lengths from the typical ratio of the lists."""
    ours, theirs = (np.log([len(text) + 1 for text in side]).astype(np.float32) for side in (english, texts))
    apart = np.subtract.outer(ours - np.median(ours), theirs - np.median(theirs))
    return np.asarray(-(np.minimum(abs(apart), _MOST_LENGTH) ** 2))


def _kept(english: Sequence[str], texts: Sequence[str]) -> Matrix:
    """Numbers and words that both contain, weighted by rarity."""
    ours, theirs = (holders(map(_kept_words, side)) for side in (english, texts))
    shared = [word for word in ours if word in theirs]
    rows = len(english) + len(texts) + 1
    rarity = np.array([np.log(rows / (len(ours[word]) + len(theirs[word]))) for word in shared], np.float32)
    return np.minimum(
        (held(ours, shared, len(english)) * rarity) @ held(theirs, shared, len(texts)).T, np.float32(_MOST_KEPT)
    )


def _kept_words(text: str) -> set[str]:
    plain = _DIGIT.sub(lambda digit: str(unicodedata.digit(digit[0])), without_accents(text.lower()))
    return {word if word.isdigit() else word[:_KEPT_LETTERS] for word in _KEPT_WORD.findall(plain)}


def _marks(english: Sequence[str], texts: Sequence[str]) -> Matrix:
    """Distance between the counts of punctuation marks."""
    apart = np.zeros((len(english), len(texts)), np.float32)
    for mark in _MARKS:
        ours, theirs = (np.log1p([len(mark.findall(text)) for text in side]) for side in (english, texts))
        apart += np.minimum(abs(np.subtract.outer(ours, theirs)), _MOST_MARKS)
    return -apart
