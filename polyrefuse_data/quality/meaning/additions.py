"""Words that one of two English texts puts in between words that both have side by side."""

from __future__ import annotations

from polyrefuse_data.quality.meaning.english import English, base_forms
from polyrefuse_data.quality.meaning.tables import common, own_words

_BESIDE = 2  # words on each side that both texts have


def added_words(prompt: English, other: English) -> list[str]:
    """Words of content that `prompt` has, alone, between words that follow each other in `other`."""
    from rapidfuzz.distance import Indel

    if prompt.stems == other.stems:
        return []
    blocks = Indel.opcodes(prompt.stems, other.stems)
    found = []
    ops = list(blocks)
    for place, op in enumerate(ops):
        if op.tag != "delete" or op.src_end - op.src_start != 1:
            continue
        word = prompt.words[op.src_start]
        before = ops[place - 1] if place else None
        after = ops[place + 1] if place + 1 < len(ops) else None
        beside = [side.src_end - side.src_start for side in (before, after) if side is not None and side.tag == "equal"]
        if len(beside) == 2 and min(beside) >= 1 and max(beside) >= _BESIDE and _says_something(word, other):
            found.append(word)
    return found


def _says_something(word: str, other: English) -> bool:
    return (
        word not in own_words().grammar
        and word not in own_words().light
        and len(word) > 2
        and word in common()
        and word[:5] not in other.stem_set
        and not base_forms(word) & other.bases
    )
