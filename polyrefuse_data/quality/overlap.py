"""chrF++ and BLEU of many sentence pairs at once: sacrebleu's sentence scores, number for number, and fast.

n-grams become 64-bit keys, a batch of pairs is sorted once an order, and matches are counted on the sorted keys; the
arithmetic from counts to scores is sacrebleu's (CHRF(word_order=2), BLEU(effective_order=True)).
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

CHARACTER_ORDER, WORD_ORDER, BLEU_ORDER = 6, 2, 4
_BETA_SQUARED = 4.0
_SMALLEST = 1e-16  # sacrebleu's eps of chrF

# Key of an n-gram: row in the top bits, a hash of its members below, the side (hypothesis, reference) in the last bit.
# 2^10 rows a batch leave 53 bits: two different n-grams of one pair collide once in 10^10 pairs of ordinary length.
MOST_PAIRS = 1024
_HASH_BITS = 53
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIXER = np.uint64(0xBF58476D1CE4E5B9)

# Tokenizer 13a (mteval-v13a): entities are read, and ASCII punctuation is set apart by spaces but for ' and, beside
# digits, for . , and -.
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_SET_APART = str.maketrans({mark: f" {mark} " for mark in string.punctuation if mark not in "',-."})
_BESIDE_DIGITS = (
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


def chrf_and_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> tuple[Floats, Floats]:
    """Sentence chrF++ and BLEU (0 to 100) of each pair, equal to sacrebleu's `sentence_score`."""
    chrf, bleu = np.empty(len(hypotheses)), np.empty(len(hypotheses))
    for start in range(0, len(hypotheses), MOST_PAIRS):
        part = slice(start, start + MOST_PAIRS)
        chrf[part] = _chrf(hypotheses[part], references[part])
        bleu[part] = _bleu(hypotheses[part], references[part])
    return chrf, bleu


def _chrf(hypotheses: Sequence[str], references: Sequence[str]) -> Floats:
    characters = _counts(*_members(hypotheses, _letters), *_members(references, _letters), CHARACTER_ORDER)
    tokens = _counts(*_members(hypotheses, _chrf_words), *_members(references, _chrf_words), WORD_ORDER)
    counts = np.concatenate([characters, tokens])  # (order, 3, pair): hypothesis n-grams, reference n-grams, matches
    in_hypothesis, in_reference, matches = (counts[:, index].astype(np.float64) for index in range(3))
    both = (in_hypothesis > 0) & (in_reference > 0)
    orders = both.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Summed order by order, as sacrebleu does: another order of additions changes the last bit.
        precision = _sum_by_order(np.where(both, matches / in_hypothesis, 0.0)) / orders
        recall = _sum_by_order(np.where(both, matches / in_reference, 0.0)) / orders
        score = (1 + _BETA_SQUARED) * precision * recall / ((_BETA_SQUARED * precision) + recall)
    return np.where((orders > 0) & (precision + recall > 0), 100 * score, 0.0)


def _bleu(hypotheses: Sequence[str], references: Sequence[str]) -> Floats:
    hypothesis, hypothesis_lengths = _members(hypotheses, _bleu_words)
    reference, reference_lengths = _members(references, _bleu_words)
    counts = _counts(hypothesis, hypothesis_lengths, reference, reference_lengths, BLEU_ORDER)
    matches, totals = (
        counts[:, 2].T.tolist(),
        np.maximum(0, hypothesis_lengths[:, None] - np.arange(BLEU_ORDER)).tolist(),
    )
    lengths = zip(matches, totals, hypothesis_lengths.tolist(), reference_lengths.tolist(), strict=True)
    return np.array([_bleu_score(*pair) for pair in lengths], dtype=np.float64)


def _bleu_score(matches: list[int], totals: list[int], length: int, reference_length: int) -> float:
    """BLEU with effective order, exponential smoothing and brevity penalty, from the counts of one pair."""
    if not any(matches):
        return 0.0
    precisions = []
    smoothing = 1.0
    for correct, total in zip(matches, totals, strict=True):
        if total == 0:
            break
        if correct == 0:
            smoothing *= 2
            precisions.append(100.0 / (smoothing * total))
        else:
            precisions.append(100.0 * correct / total)
    penalty = 1.0
    if length < reference_length:
        penalty = math.exp(1 - reference_length / length) if length > 0 else 0.0
    return penalty * math.exp(sum(map(math.log, precisions)) / len(precisions))


def _sum_by_order(values: Floats) -> Floats:
    total = np.zeros(values.shape[1])
    for row in values:
        total = total + row
    return total


def _members(texts: Sequence[str], split: Callable[[str], Keys]) -> tuple[Keys, Integers]:
    """The members (characters or words, as numbers) of all texts in one array, and how many each text has."""
    parts = [split(text) for text in texts]
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    return (np.concatenate(parts) if parts else np.empty(0, np.uint64)).astype(np.uint64), lengths


def _letters(text: str) -> Keys:
    joined = "".join(text.split())
    return np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)


@lru_cache(maxsize=1)
def _chrf_metric() -> Any:
    from sacrebleu.metrics import CHRF

    return CHRF(word_order=WORD_ORDER)


def _chrf_words(text: str) -> Keys:
    return _numbers(_chrf_metric()._remove_punctuation(text))


def _bleu_words(text: str) -> Keys:
    """The words of tokenizer `13a`. sacrebleu's own keeps every text it ever saw (65,536 of them, 1 KiB each)."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, character in _ENTITIES if "&" in text else ():
        text = text.replace(entity, character)
    text = f" {text} ".translate(_SET_APART)
    for pattern, separated in _BESIDE_DIGITS:
        text = pattern.sub(separated, text)
    return _numbers(text.split())


def _numbers(words: Sequence[str]) -> Keys:
    """A number for each word. Python's string hash is 64 bits wide and stable within a process: all it has to be."""
    return np.array([hash(word) & 0xFFFFFFFFFFFFFFFF for word in words], dtype=np.uint64)


def _counts(
    hypothesis: Keys, hypothesis_lengths: Integers, reference: Keys, reference_lengths: Integers, highest: int
) -> Integers:
    """(order, 3, pair): n-grams of the hypothesis, of the reference, and matches (the smaller count of each n-gram)."""
    pairs = len(hypothesis_lengths)
    result = np.zeros((highest, 3, pairs), dtype=np.int64)
    sides = [(hypothesis, hypothesis_lengths), (reference, reference_lengths)]
    rows = [np.repeat(np.arange(pairs, dtype=np.uint64), lengths) for _, lengths in sides]
    hashes = [np.zeros(len(members), dtype=np.uint64) for members, _ in sides]
    for order in range(highest):
        keys = []
        for side, (members, lengths) in enumerate(sides):
            result[order, side] = np.maximum(0, lengths - order)
            hashes[side] = _extended(hashes[side], members, order)
            inside = rows[side][: len(hashes[side])] == rows[side][order:]
            hashed = (hashes[side] * _MIXER) >> np.uint64(64 - _HASH_BITS)
            key = (rows[side][: len(hashes[side])] << np.uint64(_HASH_BITS)) | hashed
            keys.append(((key << np.uint64(1)) | np.uint64(side))[inside])
        result[order, 2] = _matches(np.concatenate(keys), pairs)
    return result


def _extended(hashes: Keys, members: Keys, order: int) -> Keys:
    """Hashes of the n-grams one longer: each takes in the member that follows it."""
    kept = max(0, len(members) - order)
    value = (hashes[:kept] ^ members[order:]) * _MULTIPLIER
    result: Keys = value ^ (value >> np.uint64(29))
    return result


def _matches(keys: Keys, pairs: int) -> Integers:
    """For each pair the sum over its n-grams of the smaller of the two sides' counts."""
    if not len(keys):
        return np.zeros(pairs, dtype=np.int64)
    keys = np.sort(keys)
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    counts = np.diff(np.append(starts, len(keys)))
    unique = keys[starts]
    shared = np.flatnonzero(
        unique[1:] == unique[:-1] + np.uint64(1)
    )  # hypothesis side, then the reference side of one n-gram
    shared = shared[(unique[shared] & np.uint64(1)) == 0]
    rows = (unique[shared] >> np.uint64(_HASH_BITS + 1)).astype(np.int64)
    found = np.minimum(counts[shared], counts[shared + 1])
    return np.bincount(rows, weights=found, minlength=pairs).astype(np.int64)
