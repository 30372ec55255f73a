"""Texts that are the same or nearly the same: pairs of prompts, and one translation for different prompts."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.text.invisible import visible

Pair = tuple[int, int]

# Similarity (rapidfuzz's token_sort_ratio, 0 to 100) from which two prompts ask nearly the same. Read on the published
# English: "a dialogue between two friends talking about a new movie they watched" and "a dialog for two characters
# talking about a recent movie they watched" score 77; below 75 prompts share a form and no subject.
NEAR_DUPLICATE = 75.0

# Prompts are compared where they share one of their rarest words: all pairs of 100,000 prompts would be 5 billion.
_RAREST_WORDS = 8
_MOST_SHARERS = 200
_LONGEST_COMPARED = 2_000  # characters; the time of a comparison grows with the square, and no prompt is longer

_NO_WORD = re.compile(r"[\W_]+")


def normalised(text: str) -> str:
    """The text without case, punctuation, spacing and invisible characters: equal if two texts look the same to a
    reader."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", visible(text))
    return _NO_WORD.sub(" ", plain.casefold()).strip()


def near_duplicates(texts: Sequence[str]) -> dict[str, list[Pair]]:
    """Pairs of indices whose texts are `exact` or `near` duplicates, the earlier one first, sorted."""
    from rapidfuzz.fuzz import ratio
    from rapidfuzz.process import extract

    said = [normalised(text) for text in texts]
    words = [" ".join(sorted(text[:_LONGEST_COMPARED].split())) for text in said]  # what token_sort_ratio compares
    frequency = Counter(word for text in words for word in set(text.split()))
    copies: dict[str, list[int]] = defaultdict(list)  # text -> where it stands
    sharers: dict[str, list[int]] = defaultdict(list)  # word -> texts that it is among the rarest words of
    exact: list[Pair] = []
    near: list[Pair] = []
    for place, text in enumerate(words):
        if not text:
            continue
        exact += [(other, place) for other in copies[said[place]]]
        rarest = sorted(set(text.split()), key=lambda word: (frequency[word], word))[:_RAREST_WORDS]
        others = sorted({other for word in rarest for other in sharers[word] if said[other] != said[place]})
        close = extract(text, [words[other] for other in others], scorer=ratio, score_cutoff=NEAR_DUPLICATE, limit=None)
        near += [(others[index], place) for _, _, index in close]
        for shared in (copies[said[place]], *(sharers[word] for word in rarest)):
            if len(shared) < _MOST_SHARERS:
                shared.append(place)
    return {"exact": sorted(exact), "near": sorted(near)}


def is_near_duplicate(one: str, other: str) -> bool:
    """Whether two prompts ask the same, or nearly."""
    from rapidfuzz.fuzz import token_sort_ratio

    left, right = normalised(one[:_LONGEST_COMPARED]), normalised(other[:_LONGEST_COMPARED])
    return token_sort_ratio(left, right, score_cutoff=NEAR_DUPLICATE) >= NEAR_DUPLICATE


def target_keys(languages: Sequence[str], texts: Sequence[str], english: Sequence[str]) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each row's text, equal for texts that look the same to a reader, in any process.

    0 for rows without a prompt to translate: English or empty ones, and those without English.
    """
    keys = np.zeros(len(texts), dtype=np.uint64)
    for row, (language, text, source) in enumerate(zip(languages, texts, english, strict=True)):
        said = normalised(text) if source and language != SOURCE_LANGUAGE else ""
        if said:
            content = f"{language}\n{said}".encode("utf-8", "surrogatepass")
            keys[row] = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())
    return keys


def groups_of_shared_targets(keys: npt.NDArray[Any], english: Sequence[str]) -> list[list[int]]:
    """Groups of rows with the same key whose prompts differ, in the order of their first rows."""
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
