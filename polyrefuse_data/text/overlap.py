"""chrF++ and BLEU of many sentence pairs at once: exactly sacrebleu's sentence scores, but fast.

Characters and words become small numbers. The n-gram of the highest order that begins at each of them becomes one
64-bit key, which starts with its pair. The keys are sorted once, and equal n-grams of every order are then adjacent,
since they share the beginnings of their keys. The arithmetic from counts to scores is sacrebleu's (CHRF(word_order=2),
BLEU(effective_order=True)).
"""

from __future__ import annotations

import itertools
import math
import re
import string
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

CHARACTER_ORDER, WORD_ORDER, BLEU_ORDER = 6, 2, 4
_BETA_SQUARED = 4.0

# Pairs whose keys are sorted together: 9 bits of a key name the pair, 1 the side, and 9 are left for each character.
MOST_PAIRS = 512
_KEY_BITS = 64

# Symbols of a key: 0 where the text has ended, 1 and 2 for what only hypotheses or only references have, then what
# both have.
_ONLY_HYPOTHESES, _ONLY_REFERENCES, _FIRST_SHARED = 1, 2, 3

# Tokenizer 13a (mteval-v13a): entities are read, and ASCII punctuation is set apart by spaces but for ' and, beside
# digits, for . , and -.
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_SET_APART = str.maketrans({mark: f" {mark} " for mark in string.punctuation if mark not in "',-."})
_BESIDE_DIGITS = (
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)
_PUNCTUATION = frozenset(string.punctuation)
_SHORT = 24  # characters of a word; longer ones hardly come twice

_LAST_SPACE = 0x3000
_IS_SPACE = np.array([chr(code).isspace() for code in range(_LAST_SPACE + 1)] + [False])


class _Members(NamedTuple):
    """Characters or words of many texts as consecutive numbers, and how many each text has."""

    numbers: Integers
    lengths: Integers

    def split(self, sizes: Sequence[int]) -> list[_Members]:
        """Split into the first `sizes[0]` texts, the next `sizes[1]`, and so on."""
        bounds = np.cumsum(sizes)[:-1]
        ends = np.concatenate([[0], np.cumsum(self.lengths)])
        parts = zip(np.split(self.numbers, ends[bounds]), np.split(self.lengths, bounds), strict=True)
        return [_Members(*part) for part in parts]


class _Words(NamedTuple):
    """The distinct words of many texts, and which of them each text contains."""

    vocabulary: list[str]
    members: _Members


def chrf_and_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> tuple[Floats, Floats]:
    """Sentence chrF++ and BLEU (0 to 100) of each pair, equal to sacrebleu's `sentence_score`."""
    texts = [*hypotheses, *references]
    lines = [_bleu_line(text) for text in texts]
    words = _words(texts)
    chrf = _chrf(_characters(texts), _tokens(words, _chrf_tokens))
    return chrf, _bleu(_tokens(words if lines == texts else _words(lines), _bleu_tokens))


def _chrf(characters: _Members, words: _Members) -> Floats:
    # (order, pair): n-grams of hypotheses, of references, and matches
    counts = zip(_counts(characters, CHARACTER_ORDER), _counts(words, WORD_ORDER), strict=True)
    in_hypothesis, in_reference, matches = (np.concatenate(pair).astype(np.float64) for pair in counts)
    both = (in_hypothesis > 0) & (in_reference > 0)
    orders = both.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Summed order by order, as sacrebleu does: another order of additions changes the last bit.
        precision = _sum_by_order(np.where(both, matches / in_hypothesis, 0.0)) / orders
        recall = _sum_by_order(np.where(both, matches / in_reference, 0.0)) / orders
        score = (1 + _BETA_SQUARED) * precision * recall / ((_BETA_SQUARED * precision) + recall)
    return np.where((orders > 0) & (precision + recall > 0), 100 * score, 0.0)


def _bleu(words: _Members) -> Floats:
    totals, _, matches = _counts(words, BLEU_ORDER)
    hypotheses, references = np.split(words.lengths, 2)
    pairs = zip(matches.T.tolist(), totals.T.tolist(), hypotheses.tolist(), references.tolist(), strict=True)
    return np.array([_bleu_score(*pair) for pair in pairs], dtype=np.float64)


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


def _characters(texts: Sequence[str]) -> _Members:
    """The code points of each text without white space."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    kept = ~_IS_SPACE[np.minimum(codes, len(_IS_SPACE) - 1)]
    places = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    return _Members(codes[kept].astype(np.int64), np.bincount(places[kept], minlength=len(texts)))


def _words(texts: Sequence[str]) -> _Words:
    split = [text.split() for text in texts]
    number: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    numbers = np.fromiter(map(number.__getitem__, chain.from_iterable(split)), np.int64, sum(map(len, split)))
    return _Words(list(number), _Members(numbers, np.array([len(text) for text in split], dtype=np.int64)))


def _tokens(words: _Words, tokenize: Callable[[str], Sequence[str]]) -> _Members:
    """The tokens of each text. Each distinct word is tokenized once, because neither tokenizer looks beyond it."""
    tokens = [[word] if word.isalnum() else tokenize(word) for word in words.vocabulary]
    number: dict[str, int] = {}
    numbers = np.array([number.setdefault(token, len(number)) for token in chain.from_iterable(tokens)], np.int64)
    sizes = np.array([len(word) for word in tokens], dtype=np.int64)
    used = words.members.numbers
    ends = np.cumsum(sizes[used])  # of each word's tokens among the tokens of all texts
    places = np.arange(ends[-1] if len(ends) else 0) + np.repeat((np.cumsum(sizes)[used] - ends), sizes[used])
    text_ends = np.concatenate([[0], ends])[np.cumsum(words.members.lengths)]
    return _Members(numbers[places], np.diff(text_ends, prepend=0))


def _chrf_tokens(word: str) -> Sequence[str]:
    """Splits off one punctuation mark: at the end of a word, or else at the start."""
    if len(word) > 1 and word[-1] in _PUNCTUATION:
        return word[:-1], word[-1]
    if len(word) > 1 and word[0] in _PUNCTUATION:
        return word[0], word[1:]
    return (word,)


def _bleu_line(text: str) -> str:
    """What tokenizer 13a removes from a text before splitting it into words."""
    return text.rstrip().replace("<skipped>", "").replace("-\n", "")


def _bleu_tokens(word: str) -> Sequence[str]:
    """The tokens of a word under tokenizer 13a; those of short words are kept."""
    return _short_tokens(word) if len(word) <= _SHORT else _tokens_13a(word)


def _tokens_13a(word: str) -> Sequence[str]:
    for entity, character in _ENTITIES if "&" in word else ():
        word = word.replace(entity, character)
    word = f" {word} ".translate(_SET_APART)
    for pattern, separated in _BESIDE_DIGITS:
        word = pattern.sub(separated, word)
    return word.split()


_short_tokens = lru_cache(maxsize=1 << 14)(_tokens_13a)


def _counts(members: _Members, highest: int) -> tuple[Integers, Integers, Integers]:
    """(order, pair) each: n-grams of the hypothesis, of the reference, and matches (the smaller count of each n-gram).

    The first half of the texts are the hypotheses, the second half their references.
    """
    pairs = len(members.lengths) // 2
    sizes = [min(MOST_PAIRS, pairs - start) for start in range(0, pairs, MOST_PAIRS)]
    parts = members.split([*sizes, *sizes])
    matches = [_matches(*both, highest) for both in zip(parts[: len(sizes)], parts[len(sizes) :], strict=True)]
    orders = np.arange(highest)[:, None]
    in_hypothesis, in_reference = (np.maximum(0, lengths - orders) for lengths in np.split(members.lengths, 2))
    return in_hypothesis, in_reference, np.concatenate([np.empty((highest, 0), np.int64), *matches], axis=1)


def _matches(hypotheses: _Members, references: _Members, highest: int) -> Integers:
    """(order, pair): for each pair the sum over its n-grams of the smaller of the two sides' counts."""
    pairs = len(hypotheses.lengths)
    symbols, bits = _symbols(hypotheses.numbers, references.numbers)
    if highest * bits + (pairs - 1).bit_length() + 1 > _KEY_BITS:
        return _matches_by_rank(hypotheses, references, highest)
    result = np.zeros((highest, pairs), dtype=np.int64)
    if not len(symbols):
        return result
    keys = np.sort(_keys(symbols, np.concatenate([hypotheses.lengths, references.lengths]), highest, bits))
    references_before = np.concatenate([[0], np.cumsum((keys & np.uint64(1)).astype(np.int64))])
    # Where each n-gram's keys start, and how they differ from the key before: those of an order are among those of the
    # next, so each order has fewer to look at than the last.
    starts, change = np.arange(len(keys)), np.concatenate([keys[:1], keys[1:] ^ keys[:-1]])
    for order in range(highest, 0, -1):
        shift = np.uint64((highest - order) * bits + 1)
        first = (change >> shift) != 0
        first[0] = True
        starts, change = starts[first], change[first]
        in_references = np.diff(references_before[starts], append=references_before[-1])
        smaller = np.minimum(in_references, np.diff(starts, append=len(keys)) - in_references)
        on_both = np.flatnonzero(smaller)
        ngrams = keys[starts[on_both]] >> shift
        complete = (ngrams & np.uint64((1 << bits) - 1)) != 0
        rows = (ngrams >> np.uint64(order * bits)).astype(np.int64)
        result[order - 1] = np.bincount(rows, weights=smaller[on_both] * complete, minlength=pairs)
    return result


def _symbols(hypotheses: Integers, references: Integers) -> tuple[Keys, int]:
    """A symbol for each member of both sides, and the bits per symbol.

    A member that only one side has cannot match, so all of those share one symbol per side.
    """
    limit = max((int(side.max()) for side in (hypotheses, references) if len(side)), default=0) + 1
    shared = np.ones(limit, dtype=bool)
    for side in (hypotheses, references):
        seen = np.zeros(limit, dtype=bool)
        seen[side] = True
        shared &= seen
    symbol = np.zeros(limit, dtype=np.uint64)
    count = int(shared.sum())
    symbol[shared] = np.arange(_FIRST_SHARED, _FIRST_SHARED + count)
    sides = [
        np.maximum(symbol[hypotheses], np.uint64(_ONLY_HYPOTHESES)),
        np.maximum(symbol[references], np.uint64(_ONLY_REFERENCES)),
    ]
    return np.concatenate(sides), (_FIRST_SHARED + count - 1).bit_length()


def _keys(symbols: Keys, lengths: Integers, highest: int, bits: int) -> Keys:
    """A key for each symbol: the pair, the `highest` symbols from this one on (0 beyond the text's end), the side."""
    texts = np.repeat(np.arange(len(lengths)), lengths)
    places = np.arange(len(symbols)) + texts * (highest - 1)
    padded = np.zeros(len(symbols) + (len(lengths) + 1) * (highest - 1), dtype=np.uint64)
    padded[places] = symbols
    size = len(padded) - highest + 1
    following = np.zeros(size, dtype=np.uint64)
    for place in range(highest):
        following <<= np.uint64(bits)
        following |= padded[place : place + size]
    side, pair = np.divmod(texts.astype(np.uint64), np.uint64(len(lengths) // 2))
    keys: Keys = (((pair << np.uint64(highest * bits)) | following[places]) << np.uint64(1)) | side
    return keys


def _matches_by_rank(hypotheses: _Members, references: _Members, highest: int) -> Integers:
    """`_matches` for alphabets too large for one key: each n-gram's number comes from that of its beginning. Slower."""
    pairs = len(hypotheses.lengths)
    numbers = np.concatenate([hypotheses.numbers, references.numbers])
    lengths = np.concatenate([hypotheses.lengths, references.lengths])
    texts = np.repeat(np.arange(len(lengths)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(numbers))  # members from here to the text's end
    result = np.zeros((highest, pairs), dtype=np.int64)
    places, ngrams = np.arange(len(numbers)), texts % pairs
    for order in range(1, highest + 1):
        kept = left[places] >= order
        places, ngrams = places[kept], ngrams[kept]
        longer = ngrams * (numbers.max(initial=0) + 1) + numbers[places + order - 1]
        _, first, ngrams = np.unique(longer, return_index=True, return_inverse=True)
        is_reference = texts[places] >= pairs
        in_references = np.bincount(ngrams[is_reference], minlength=len(first))
        in_hypotheses = np.bincount(ngrams[~is_reference], minlength=len(first))
        rows = texts[places[first]] % pairs
        result[order - 1] = np.bincount(rows, weights=np.minimum(in_hypotheses, in_references), minlength=pairs)
    return result
