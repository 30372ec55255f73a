"""Finds the English prompts of translations whose file does not contain them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from polyrefuse_data.languages.lexicon import Lexicon
from polyrefuse_data.sources.alignment import alignment
from polyrefuse_data.sources.prompts import Prompt
from polyrefuse_data.text.counts import counted


@dataclass(frozen=True)
class EnglishList:
    """The English prompts of one file, in its order."""

    where: str
    prompts: tuple[Prompt, ...]


@dataclass(frozen=True)
class Match:
    """The English prompt of each translation, None if it has none, and how it was found.

    `unproven` are translations paired with the prompt in their position without proof that it is theirs or another's.
    """

    prompts: Sequence[Prompt | None]
    how: str
    unproven: frozenset[int] = frozenset()

    @property
    def proven(self) -> int:
        return sum(prompt is not None for prompt in self.prompts) - len(self.unproven)


def match_by_position(
    texts: Sequence[str], categories: Sequence[str | None], lists: Sequence[EnglishList], lexicon: Lexicon | None
) -> Match:
    """The prompts in the positions of the translations, from the list for which most can be proved.

    A list of another length counts only if some rows can be proved, because rows may be missing in the middle of a
    file.
    """
    best = nothing = Match(
        [None] * len(texts), f"no English file with {counted(len(texts), 'row')}; name its folder with --english"
    )
    for english in sorted(lists, key=lambda english: len(english.prompts) != len(texts)):
        match = _match(texts, categories, english, lexicon)
        if match.proven > best.proven or (best is nothing and len(english.prompts) == len(texts)):
            best = match
        if best.proven == len(texts):
            break
    return best


def _match(
    texts: Sequence[str], categories: Sequence[str | None], english: EnglishList, lexicon: Lexicon | None
) -> Match:
    found = alignment([prompt["text"] for prompt in english.prompts], texts, lexicon)
    prompts: list[Prompt | None] = [None] * len(texts)
    unproven, other_categories = set(), 0
    for place, (prompt, category) in enumerate(zip(english.prompts, categories, strict=False)):
        if category != prompt["category"]:
            other_categories += 1
        elif not found.refuted[place]:
            prompts[place] = prompt
            if not found.proven[place]:
                unproven.add(place)
    how = f"{english.where}: {found}"
    if other_categories:
        how += f"; categories differ in {counted(other_categories, 'row')}"
    elif found.proven.all():
        how = f"parallel with {english.where}"
    elif found.refuted.all():
        how = f"not parallel with {how}"
    return Match(prompts, how, frozenset(unproven))
