"""The tables of English words that the checks of meaning read (languages/en): common words, names that languages
translate, opposites, harm.

common.txt, translated.txt and opposites.tsv come from WordNet 3.1 (make_tables.py); meaning.toml adds what WordNet
lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from polyrefuse_data.languages.traits import Section, Words, read_part
from polyrefuse_data.system.input_files import read_input_text

_ENGLISH = Path(__file__).parents[2] / "languages" / "en"
COMMON, TRANSLATED, OPPOSITES, OWN = (
    _ENGLISH / name for name in ("common.txt", "translated.txt", "opposites.tsv", "meaning.toml")
)


class OwnWords(Section):
    """meaning.toml, which says what each list holds."""

    pairs: Words
    harm: Words
    harmless: Words
    grammar: Words
    light: Words
    exchanged: Words
    no_names: Words
    titles: Words


@cache
def own_words() -> OwnWords:
    return read_part(OwnWords, OWN)


@cache
def common() -> frozenset[str]:
    """Words that are no names."""
    return frozenset(read_input_text(COMMON).split())


@cache
def translated() -> frozenset[str]:
    """Names for which languages have words of their own, in lower case."""
    return frozenset(read_input_text(TRANSLATED).split()) | own_words().titles


@cache
def opposites() -> Mapping[str, frozenset[str]]:
    """word -> its opposites."""
    found = {}
    for line in read_input_text(OPPOSITES).splitlines():
        word, others = line.split("\t")
        found[word] = set(others.split())
    for pair in own_words().pairs:
        left, right = (side.split("|") for side in pair.split("/"))
        for one, other in ((left, right), (right, left)):
            for word in one:
                found.setdefault(word, set()).update(other)
    return {word: frozenset(others) for word, others in found.items()}
