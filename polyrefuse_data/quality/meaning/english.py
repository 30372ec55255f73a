"""An English text as its meaning is compared: words with their base forms, each read once."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache

from polyrefuse_data.quality.meaning.tables import common
from polyrefuse_data.text.words import words

_LONGEST = 4_000  # characters; no prompt is longer, a broken row may be
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_DENIED = re.compile(r"(?:\b(?:not|no|never|without)|n't) ([a-z]+)")
_DENIES = ("no", "n't ", "never ", "without ")  # one of these stands in front of all of them
STEM = 5
# Endings of inflected words, and what the base form has in their place.
_ENDINGS = (
    ("s", ""), ("es", ""), ("ies", "y"), ("ed", ""), ("ed", "e"), ("ied", "y"), ("ing", ""), ("ing", "e"), ("er", ""),
    ("er", "e"), ("ier", "y"), ("est", ""), ("est", "e"), ("iest", "y"), ("ly", ""),
)  # fmt: skip


class English:
    """One text, its words in lower case and in order, and their stems. Made by `read`, which keeps the last ones: a
    prompt comes once a language."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lowered = text.lower().replace("’", "'")
        self.words = self._words()
        self.word_set = frozenset(self.words)
        self.stems = [word[:STEM] for word in self.words]
        self.stem_set = frozenset(self.stems)

    def _words(self) -> list[str]:
        if self.text.isascii() and "'" not in self.text:  # nearly every one: as other checks read it too
            return list(filter(str.isalpha, words(self.text)))
        return _WORD.findall(self.lowered)

    @cached_property
    def denied(self) -> frozenset[str]:
        """Words right after a negation: "not good" is no opposite of "bad"."""
        if not any(sign in self.lowered for sign in _DENIES):
            return frozenset()
        return frozenset(_DENIED.findall(self.lowered))

    @cached_property
    def bases(self) -> frozenset[str]:
        """The base forms of every word, and the words."""
        return frozenset(base for word in self.word_set for base in base_forms(word))


@lru_cache(maxsize=1 << 12)
def read(text: str) -> English:
    return English(text[:_LONGEST])


@lru_cache(maxsize=1 << 15)
def base_forms(word: str) -> frozenset[str]:
    """A word and what it may be a form of, as far as these are common words."""
    found = {word}
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) > 1:
            base = word[: -len(ending)] + instead
            found.add(base)
            if len(base) > 3 and base[-1] == base[-2]:  # stopped
                found.add(base[:-1])
    return frozenset(base for base in found if base == word or base in common())
