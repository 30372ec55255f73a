"""Words of one English text that the other has turned into their opposites, and harm that one of them leaves out."""

from __future__ import annotations

from functools import lru_cache

from polyrefuse_data.quality.meaning.english import English, base_forms
from polyrefuse_data.quality.meaning.tables import opposites as opposites_table
from polyrefuse_data.quality.meaning.tables import own_words


def turned_words(prompt: English, other: English) -> list[tuple[str, str]]:
    """(word of the prompt, its opposite in the other text), each in the one text alone. A prompt that has both sides
    ("past and present") may come back with either in another word ("previous and current")."""
    gained = other.word_set - prompt.word_set
    forms = frozenset().union(*map(base_forms, gained))
    ours = [
        word
        for word in prompt.word_set - other.word_set
        if not (opposites := _opposites_of(word)).isdisjoint(forms) and opposites.isdisjoint(prompt.bases)
    ]
    theirs = sorted(gained - other.denied) if ours else []
    return [
        (word, opposite)
        for word in sorted(ours)
        for opposite in theirs
        if not _opposites_of(word).isdisjoint(base_forms(opposite))
        and word not in prompt.denied
        and base_forms(word).isdisjoint(other.bases)
        and base_forms(opposite).isdisjoint(prompt.bases)
        and _same_place(word, opposite, prompt, other)
    ]


@lru_cache(maxsize=1 << 15)
def _opposites_of(word: str) -> frozenset[str]:
    table = opposites_table()
    return frozenset(opposite for base in base_forms(word) for opposite in table.get(base, ()))


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


_NEAR = 2
