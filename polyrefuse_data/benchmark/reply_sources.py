"""What the folders of completions/ are called, and what each says of the replies in it.

`baseline`; a control (`random`, ...); a language, whose direction was ablated; `add-2-en`, where twice the English
direction was added; `top-3`, where the language's third-best candidate was ablated; `erased-en`, where the classes were
erased as English tells them apart, and `erased-shuffled-en`, its control.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from polyrefuse_data.benchmark.store import ABLATION, BASELINE, CONTROLS

_ADDITION = re.compile(r"add-(-?\d+(?:\.\d+)?(?:e-?\d+)?)-(.+)")
_TOP = re.compile(r"top-(\d+)")
_ERASED = re.compile(r"erased-(shuffled-)?(.+)")


@dataclass(frozen=True)
class Addition:
    """A language's direction, added at its own layer this many times."""

    source: str
    coefficient: float

    @property
    def folder(self) -> str:
        return f"add-{self.coefficient:g}-{self.source}"

    @classmethod
    def of(cls, folder: str) -> Self | None:
        """The addition that a folder is named after; None for any other."""
        found = _ADDITION.fullmatch(folder)
        return cls(found[2], float(found[1])) if found else None


@dataclass(frozen=True)
class Erased:
    """The difference between a language's classes, or its control's, erased at every layer."""

    source: str
    is_control: bool = False

    @property
    def folder(self) -> str:
        return f"erased-{'shuffled-' if self.is_control else ''}{self.source}"

    @classmethod
    def of(cls, folder: str) -> Self | None:
        """The erasure that a folder is named after; None for any other."""
        found = _ERASED.fullmatch(folder)
        return cls(found[2], found[1] is not None) if found else None


def top_folder(rank: int) -> str:
    return f"top-{rank}"


def top_rank(folder: str) -> int | None:
    """The rank of the candidate that was ablated; None for any other folder."""
    found = _TOP.fullmatch(folder)
    return int(found[1]) if found else None


def intervention_of(folder: str) -> str:
    """What was done to the model, as scores and reports name it."""
    if added := Addition.of(folder):
        return f"addition x{added.coefficient:g}"
    if erased := Erased.of(folder):
        return "erasure, shuffled" if erased.is_control else "erasure"
    if top_rank(folder):
        return folder
    return folder if folder in (BASELINE, *CONTROLS) else ABLATION


def source_language_of(folder: str, language: str) -> str | None:
    """Whose direction it was done with; None without one. Controls and lower ranks are of the language itself."""
    if named := Addition.of(folder) or Erased.of(folder):
        return named.source
    if folder == BASELINE:
        return None
    return language if folder in CONTROLS or top_rank(folder) else folder
