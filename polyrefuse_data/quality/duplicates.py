"""Texts that are the same, or nearly: pairs of prompts, and one translation that stands for different prompts."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.quality.batch import visible

Pair = tuple[str, str]

# Similarity (rapidfuzz's token_sort_ratio, 0 to 100) from which two prompts ask nearly the same. Read on the published
# English: "a dialogue between two friends talking about a new movie they watched" and "a dialog for two characters
# talking about a recent movie they watched" score 77; below 75 prompts share a form and no subject.
NEAR_DUPLICATE = 75.0

# Prompts are compared where they share one of their rarest words: all pairs of 100,000 prompts would be 5 billion.
_RAREST_WORDS = 8
_MOST_SHARERS = 200

_NO_WORD = re.compile(r"[\W_]+")


def normalised(text: str) -> str:
    """Case, punctuation, spacing and invisible characters taken out: what makes two texts the same to a reader."""
    return _NO_WORD.sub(" ", unicodedata.normalize("NFKC", visible(text)).casefold()).strip()


def near_duplicates(left: Mapping[str, str], right: Mapping[str, str] | None = None) -> dict[str, list[Pair]]:
    """Pairs of ids whose texts are `exact` or `near` duplicates: between `left` and `right`, or within `left`.

    Both lists are sorted. Ids that both sides share are the same prompt and form no pair.
    """
    from rapidfuzz.fuzz import token_sort_ratio

    plain = {("left", id): normalised(text) for id, text in left.items()}
    plain |= {("right", id): normalised(text) for id, text in (right or {}).items()}
    sharers = _Sharers(plain)
    exact: set[Pair] = set()
    near: set[Pair] = set()
    for (side, id), text in plain.items():
        if not text or (right is not None and side == "right"):
            continue
        for other in sharers.candidates(text):
            other_side, other_id = other
            pair = (id, other_id) if right is not None else (min(id, other_id), max(id, other_id))
            if id == other_id or (right is not None and other_side == "left") or pair in exact or pair in near:
                continue
            if plain[other] == text:
                exact.add(pair)
            elif token_sort_ratio(text, plain[other], score_cutoff=NEAR_DUPLICATE):
                near.add(pair)
    return {"exact": sorted(exact), "near": sorted(near)}


def target_keys(languages: Sequence[str], texts: Sequence[str], english: Sequence[str]) -> npt.NDArray[np.uint64]:
    """A 64-bit number for the text of each row, the same for texts that are the same to a reader, in any process.

    0 for rows that stand for no prompt: English ones, empty ones and those without English.
    """
    keys = np.zeros(len(texts), dtype=np.uint64)
    for row, (language, text, source) in enumerate(zip(languages, texts, english, strict=True)):
        said = normalised(text) if source and language != SOURCE_LANGUAGE else ""
        if said:
            content = f"{language}\n{said}".encode("utf-8", "surrogatepass")
            keys[row] = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())
    return keys


def groups_of_shared_targets(keys: npt.NDArray[Any], english: Sequence[str]) -> list[list[int]]:
    """Groups of rows with one key whose prompts ask different things, in the order of their first rows."""
    from rapidfuzz.fuzz import token_sort_ratio

    groups: dict[int, list[int]] = defaultdict(list)
    for row, key in enumerate(keys.tolist()):
        groups[key].append(row)
    found = []
    for rows in groups.values():
        one, *others = sorted({normalised(english[row]) for row in rows})
        if any(token_sort_ratio(one, other) < NEAR_DUPLICATE for other in others):
            found.append(rows)
    return found


class _Sharers:
    """Texts by their rarest words."""

    def __init__(self, texts: Mapping[Pair, str]) -> None:
        self._frequency = Counter(word for text in texts.values() for word in set(text.split()))
        self._by_word: dict[str, list[Pair]] = defaultdict(list)
        for key, text in texts.items():
            for word in self._rarest(text):
                self._by_word[word].append(key)

    def candidates(self, text: str) -> Sequence[Pair]:
        """Keys of texts that share one of the rarest words, the text's own among them."""
        words = self._rarest(text)
        return list(dict.fromkeys(key for word in words for key in self._by_word[word][:_MOST_SHARERS]))

    def _rarest(self, text: str) -> list[str]:
        return sorted(set(text.split()), key=lambda word: (self._frequency[word], word))[:_RAREST_WORDS]
