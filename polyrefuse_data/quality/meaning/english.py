"""An English text as its meaning is compared: words with their base forms, each read once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from polyrefuse_data.quality.meaning.tables import common

_LONGEST = 4_000  # characters; no prompt is longer, a broken row may be
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_DENIED = re.compile(r"(?:\b(?:not|no|never|without)|n't) ([a-z]+)")
_STEM = 5
# Endings of inflected words, and what the base form has in their place.
_ENDINGS = (
    ("s", ""), ("es", ""), ("ies", "y"), ("ed", ""), ("ed", "e"), ("ied", "y"), ("ing", ""), ("ing", "e"), ("er", ""),
    ("er", "e"), ("ier", "y"), ("est", ""), ("est", "e"), ("iest", "y"), ("ly", ""),
)  # fmt: skip


@dataclass(frozen=True)
class English:
    """One text. Made by `read`, which keeps the last ones: a prompt comes once a language."""

    text: str

    @cached_property
    def lowered(self) -> str:
        return self.text.lower().replace("’", "'")

    @cached_property
    def words(self) -> list[str]:
        """In lower case, in order."""
        return _WORD.findall(self.lowered)

    @cached_property
    def stems(self) -> list[str]:
        return [word[:_STEM] for word in self.words]

    @cached_property
    def stem_set(self) -> frozenset[str]:
        return frozenset(self.stems)

    @cached_property
    def word_set(self) -> frozenset[str]:
        return frozenset(self.words)

    @cached_property
    def denied(self) -> frozenset[str]:
        """Words right after a negation: "not good" is no opposite of "bad"."""
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
