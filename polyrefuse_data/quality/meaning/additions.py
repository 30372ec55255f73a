"""Words that one of two English texts puts in between words that both have side by side."""

from __future__ import annotations

from functools import cache

from polyrefuse_data.quality.meaning.english import STEM, English, base_forms
from polyrefuse_data.quality.meaning.tables import common, own_words

_SHORTEST = 3  # letters of a word of content
_BESIDE = 2  # words on each side that both texts have


def added_words(prompt: English, other: English) -> list[str]:
    """Words of content that `prompt` has, alone, between words that follow each other in `other`."""
    from rapidfuzz.distance import Indel

    missing = {word for word in (prompt.word_set - other.word_set) & _content() if word[:STEM] not in other.stem_set}
    if not missing:
        return []
    found = []
    ops = list(Indel.opcodes(prompt.stems, other.stems))
    for place, op in enumerate(ops):
        if op.tag != "delete" or op.src_end - op.src_start != 1:
            continue
        word = prompt.words[op.src_start]
        before = ops[place - 1] if place else None
        after = ops[place + 1] if place + 1 < len(ops) else None
        beside = [side.src_end - side.src_start for side in (before, after) if side is not None and side.tag == "equal"]
        if len(beside) == 2 and min(beside) >= 1 and max(beside) >= _BESIDE and word in missing:
            found.append(word)
    return [word for word in found if base_forms(word).isdisjoint(other.bases)]


@cache
def _content() -> frozenset[str]:
    """Words that say something."""
    own = own_words()
    return frozenset(word for word in common() - own.grammar - own.light if len(word) >= _SHORTEST)
