"""What a check is: a name, a version, and a function from rows to scores. Verdicts come from thresholds.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from polyrefuse_data.languages import packs_digest
from polyrefuse_data.quality.batch import Batch

Score = npt.NDArray[np.float64]  # one number a row, NaN where it was not computed
Labels = list[str | None]  # one name a row, e.g. the detected language


@dataclass(frozen=True)
class Scores:
    """What a check computed for a batch, by score name."""

    numbers: dict[str, Score]
    labels: dict[str, Labels] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """`score` computes; it never decides.

    Scores are kept, and computed again only where `identity` says something else than when they were: raise `version`
    when `score` would give another number for any row. `settings` names the data, parameters and libraries behind it.
    A check that only passes on a column of the rows (`copies_columns`) costs nothing, and its scores are never reused.
    """

    name: str
    score: Callable[[Batch], Scores]
    settings: Callable[[], str] = lambda: ""
    version: str = "1"
    copies_columns: bool = False

    @property
    def identity(self) -> str:
        """Name, version and settings in one line: the same line, the same scores of the same text."""
        settings = self.settings()
        return f"{self.name}:{self.version}" + (f"[{settings}]" if settings else "")


def score_of(values: Sequence[float | None]) -> Score:
    """A list with None for "not computed" as a Score."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def score_translations(name: str, function: Callable[[str, str, str], float | None]) -> Callable[[Batch], Scores]:
    """A score function from one that takes (text, text_en, language) of a translated row."""

    def score(batch: Batch) -> Scores:
        rows = zip(batch.text, batch.text_en, batch.language, batch.translated, strict=True)
        values = [function(text, source, code) if translated else None for text, source, code, translated in rows]
        return Scores({name: score_of(values)})

    return score


def traits_signature() -> str:
    """The setting of a check that reads traits of languages."""
    return f"traits-{packs_digest('traits.toml')}"
