"""Words of one English text that the other has turned into their opposites, and harm that one of them leaves out."""

from __future__ import annotations

from itertools import pairwise

from polyrefuse_data.quality.meaning.english import English, base_forms
from polyrefuse_data.quality.meaning.tables import opposites, own_words


def turned_words(prompt: English, other: English) -> list[tuple[str, str]]:
    """(word of the prompt, its opposite in the other text), each in the one text alone."""
    ours, theirs = prompt.word_set - other.word_set, other.word_set - prompt.word_set
    if not ours or not theirs:
        return []
    table = opposites()
    there = {base: word for word in sorted(theirs) if word not in _denied(other) for base in base_forms(word)}
    found = []
    for word in sorted(ours):
        if base_forms(word) & other.bases or word in _denied(prompt):
            continue
        for base in sorted(base_forms(word)):
            for opposite in sorted(table.get(base, frozenset()) & there.keys()):
                if not base_forms(there[opposite]) & prompt.bases and _same_place(word, there[opposite], prompt, other):
                    found.append((word, there[opposite]))
    return found


def _same_place(word: str, opposite: str, prompt: English, other: English) -> bool:
    """Whether a word beside the one stands beside the other too; longer words are rare enough to go without."""
    if {word, opposite} & own_words().exchanged:
        return False
    return not _beside(word, prompt).isdisjoint(_beside(opposite, other))


def _beside(word: str, text: English) -> frozenset[str]:
    place = text.words.index(word)
    return frozenset(text.stems[max(0, place - _NEAR) : place] + text.stems[place + 1 : place + 1 + _NEAR])


def softened_words(prompt: English, other: English) -> list[tuple[str, str]]:
    """(word of harm, harmless word): harm that one text names and the other has in no form, which names a harmless
    thing that the first has not."""
    own = own_words()
    found = []
    for one, two in ((prompt, other), (other, prompt)):
        harm = one.word_set & own.harm
        gained = (two.word_set & own.harmless) - one.word_set
        if harm and gained and not (two.word_set | two.bases) & own.harm:
            found.append((min(harm), min(gained)))
    return found


def _denied(text: English) -> frozenset[str]:
    """Words right after a negation: "not good" is no opposite of "bad"."""
    words = text.words
    return frozenset(word for before, word in pairwise(words) if before in _NEGATIONS or before.endswith("n't"))


_NEAR = 2
_NEGATIONS = frozenset({"not", "no", "never", "without"})
