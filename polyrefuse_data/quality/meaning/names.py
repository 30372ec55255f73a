"""Names that one of two English texts has in place of the other's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

from polyrefuse_data.quality.meaning.english import English
from polyrefuse_data.quality.meaning.tables import common, own_words

_TOKEN = re.compile(r"[^\W\d_]+(?:[.-][^\W\d_]+)*")
_CAPITAL = re.compile(r"[^\W\d_a-z](?<![^\W\d_].)[^\W\d_]+(?:[.-][^\W\d_]+)*")
_ASCII_WORD = re.compile("[a-z]+")
_OPENING = re.compile(r"(?:^|[.!?:;\n…])\W*([^\W\d_]+)")
_ALIKE = 0.8  # Jaro-Winkler similarity of two spellings of a name (Naijigou, Najigou), read on our half of DEMETR
_SAME_BEGINNING = 4
_MOST_CAPITALS = 0.5  # of the words: a text in capitals, or a title
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae"})


def replaced_names(prompt: English, other: English, text: str, *, keeps_names: bool) -> float:
    """How many names of `prompt` are neither in its back-translation `other` nor in the translation `text`.

    Where the text `keeps_names` (is written in Latin letters) it is a second witness, but for abbreviations, of which
    every language has its own, and words that open a sentence; else, a lost name counts if another one has come in its
    place.
    """
    own = names_of(prompt.text)
    lost = _without_a_like(own, other.text, text) if own else []
    if not lost:
        return 0.0
    if _without_a_like(names_of(other.text), prompt.text, ""):
        return float(len(lost))
    within = [name for name in lost if len(name) >= _SAME_BEGINNING and name not in openings(prompt.text)]
    return float(len(within)) if keeps_names else 0.0


@lru_cache(maxsize=1 << 12)
def openings(text: str) -> frozenset[str]:
    """Words that open a sentence, which may have their capital from that."""
    return frozenset(fold(word) for word in _OPENING.findall(text))


def fold(text: str) -> str:
    """Lower case without accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


@lru_cache(maxsize=1 << 12)
def names_of(text: str) -> tuple[str, ...]:
    """Words with a capital that opens no sentence, or that are no common words; folded. None of a text in capitals."""
    capitals = [token for token in _CAPITAL.findall(text) if token[0].isupper()]
    if len(capitals) > _MOST_CAPITALS * len(text.split()):
        return ()
    found = []
    for token in capitals:
        word = fold(token)
        if len(word) > 2 and "." not in word and word not in own_words().no_names and not _is_common(word):
            found.append(word)
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=1 << 14)
def _is_common(word: str) -> bool:
    return word in common() or (word.endswith("s") and word[:-1] in common())


def _without_a_like(names: Collection[str], other: str, text: str) -> list[str]:
    """Names of which neither a spelling nor the initials stand in another text."""
    words = _words(other)
    lost = [name for name in names if name not in words]
    if not lost:
        return []
    text = fold(text)
    initials = "".join(word[0] for word in words)
    squeezed = "".join(words)
    return [
        name
        for name in lost
        if not ("-" in name and name.replace("-", "") in squeezed)  # neo-nazi: neonazi, neo nazi
        and name[:_SAME_BEGINNING] not in text
        and not (len(name) <= 6 and name in initials)
        and not any(_alike(name, word) for word in set(words))
        and not any(name.startswith(word) for word in _short_names(other))
        and not any(len(word) in range(2, 7) and word in _initials(names) for word in _acronyms(other))
    ]


@lru_cache(maxsize=1 << 12)
def _words(text: str) -> tuple[str, ...]:
    if text.isascii():
        return tuple(_ASCII_WORD.findall(text.lower()))
    return tuple(part for token in _TOKEN.findall(text) for part in re.split(r"[.-]", fold(token)) if part)


def _short_names(text: str) -> list[str]:
    """Rz for Rzeczpospolita."""
    return [fold(token) for token in _TOKEN.findall(text) if 2 <= len(token) < _SAME_BEGINNING and token[0].isupper()]


def _acronyms(text: str) -> list[str]:
    return [fold(token) for token in _TOKEN.findall(text) if token.isupper() and len(token) > 1]


def _initials(names: Collection[str]) -> str:
    return "".join(name[0] for name in names)


def _alike(name: str, word: str) -> bool:
    from rapidfuzz.distance import JaroWinkler

    if len(name) < _SAME_BEGINNING or len(word) < _SAME_BEGINNING:
        return False
    return name[:_SAME_BEGINNING] == word[:_SAME_BEGINNING] or JaroWinkler.similarity(name, word) >= _ALIKE
