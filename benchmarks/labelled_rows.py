"""Rows of which it is known whether they are good: what the probability is fitted and shown on.

Good rows are published ones that align with English, professional translations, and those that people scored high.
Faulty ones are the same with a planted corruption or as the translation of a prompt that says something else, those
that people scored low, and DEMETR's changes of meaning.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from corruptions import CORRUPTIONS, corpus
from other_corruptions import OTHER_CORRUPTIONS
from outside_sets import Row, demetr, mlqe, multijail, ntrex, part_of

# Scores that people gave (0 to 100), by language: a good translation from the one on, a faulty one up to the other.
# The Chinese set is of another quality, and its scale is used more narrowly: upper and lower quarter.
_PEOPLE = {"de": (90.0, 70.0), "zh": (68.0, 57.0)}
_PUBLISHED = 400  # rows a language
_KINDS = 2  # corruptions planted on each
# What makes another prompt of one: a negation, an addition, a word less, a word of another prompt.
_NEGATED = re.compile(r"\b(is|are|was|were|can|could|will|would|should|must|do|does|did|has|have)\b", re.IGNORECASE)
_ADDITIONS = ("especially at night", "as some people say", "in a small town", "for the first time", "without any help")
_LONG_WORD = re.compile(r"\b[a-z]{5,}\b")


@dataclass(frozen=True)
class Labelled:
    """A row, whether it is good, the set or kind of fault that it is of, and the prompt it was made from."""

    row: Row
    good: bool
    group: str
    prompt: str

    @property
    def part(self) -> str:
        """`fit` or `shown`: the same for all that was made from one prompt."""
        return part_of({"text_en": self.prompt})

    @property
    def is_published(self) -> bool:
        return self.group.endswith("published")

    @property
    def family(self) -> str:
        """The set that a good row is of; whether a faulty one is found by its form, by its meaning, or by people."""
        if self.good:
            return self.group
        if "reworded" in self.group or self.group.startswith("demetr"):
            return "other meaning"
        return self.group if self.group == "judged by people" else f"planted in {self.group.split(' in ')[1]}"


def labelled_rows(outside: Path, published: Sequence[Row]) -> list[Labelled]:
    """All of them, the same every time."""
    chosen = [*_sample(published), *multijail(outside), *ntrex(outside)]
    groups = ["published" if "source" in row else str(row["id"]).split("-")[0] for row in chosen]
    found = [Labelled(row, True, group, row["text_en"]) for row, group in zip(chosen, groups, strict=True)]
    return [*found, *_planted(chosen, groups), *_reworded(chosen, groups), *_judged(outside), *_changed(outside)]


def _sample(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows with a back-translation first: only three languages have some."""
    by_language: dict[str, list[Row]] = {}
    for row in rows:
        by_language.setdefault(row["language"], []).append(row)
    for own in by_language.values():
        random.Random(0).shuffle(own)
        yield from sorted(own, key=lambda row: not row["back_translation"])[:_PUBLISHED]


def _planted(rows: Sequence[Row], groups: Sequence[str]) -> Iterator[Labelled]:
    rows = [{"back_translation": None, **row} for row in rows]
    source = corpus(rows)
    for row, group in zip(rows, groups, strict=True):
        rng = random.Random(f"{row['id']} {row['language']} {group}")
        planted = 0
        for kind in rng.sample((*CORRUPTIONS, *OTHER_CORRUPTIONS), len(CORRUPTIONS) + len(OTHER_CORRUPTIONS)):
            change = kind.change(row, source, rng) if planted < _KINDS else None
            if change is not None:
                planted += 1
                yield Labelled({**row, **change}, False, f"{kind.name} in {group}", row["text_en"])


def _reworded(rows: Sequence[Row], groups: Sequence[str]) -> Iterator[Labelled]:
    """Every other row as the translation of a prompt that says something else; nothing but the text can tell."""
    words = sorted({word for row in rows for word in _LONG_WORD.findall(row["text_en"])})
    for row, group in list(zip(rows, groups, strict=True))[::2]:
        rng = random.Random(f"{row['id']} {row['language']}")
        english = rng.choice(_REWORDINGS)(row["text_en"], rng, words)
        if english != row["text_en"]:
            yield Labelled(
                {**row, "text_en": english, "back_translation": None}, False, f"reworded in {group}", row["text_en"]
            )


def _negated(english: str, rng: random.Random, words: Sequence[str]) -> str:
    changed = _NEGATED.sub(r"\1 not", english, count=1)
    return changed if changed != english else f"Do not {english[:1].lower()}{english[1:]}"


def _with_addition(english: str, rng: random.Random, words: Sequence[str]) -> str:
    bare = english.rstrip(" .?!")
    return f"{bare}, {rng.choice(_ADDITIONS)}{english[len(bare) :].strip()}"


def _with_a_word_less(english: str, rng: random.Random, words: Sequence[str]) -> str:
    places = list(_LONG_WORD.finditer(english))
    return english if not places else _replaced(english, rng.choice(places), "")


def _with_another_word(english: str, rng: random.Random, words: Sequence[str]) -> str:
    places = list(_LONG_WORD.finditer(english))
    return english if not places else _replaced(english, rng.choice(places), rng.choice(words))


def _replaced(english: str, place: re.Match[str], word: str) -> str:
    return " ".join(f"{english[: place.start()]}{word}{english[place.end() :]}".split())


_REWORDINGS = (_negated, _with_addition, _with_a_word_less, _with_another_word)


def _judged(outside: Path) -> Iterator[Labelled]:
    for row in mlqe(outside):
        good, faulty = _PEOPLE[row["language"]]
        score = row.pop("score")
        if score >= good or score <= faulty:
            yield Labelled(row, score >= good, "judged by people", row["text_en"])


def _changed(outside: Path) -> Iterator[Labelled]:
    for kind, good, bad in demetr(outside):
        yield Labelled(good, True, "demetr", good["text_en"])
        yield Labelled(bad, False, f"demetr {kind}", good["text_en"])
