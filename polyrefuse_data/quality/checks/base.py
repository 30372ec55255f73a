"""The type of all checks, built-in or plugged-in: a function from rows to scores, and thresholds that decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pyarrow as pa

from polyrefuse_data.errors import ConfigError, PluginError
from polyrefuse_data.languages import packs_digest
from polyrefuse_data.plugins import Plugin
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.thresholds import Score, Threshold, check_name
from polyrefuse_data.quality.thresholds import score_of as score_of

# Where bounds come from: quantiles of the 13,000 published PolyRefuse rows that align with English (13 languages), and
# of the planted corruptions of benchmarks/corruptions.py on the same rows; `benchmarks/quality.py` measures both.
PUBLISHED_ROWS = "between published PolyRefuse rows (their 0.2nd or 99.8th percentile) and planted corruptions"

Given = TypeVar("Given", Batch, pa.Table)
Labels = list[str | None]  # one name a row, e.g. the detected language
Scores = Mapping[str, Score | Labels]  # what a check computed for a batch, by name


@dataclass(frozen=True)
class Together:
    """A score that all rows of a set decide together, whatever their order and however they are cut into tables.

    `compute` is given the tables, and the tables of their scores line by line; both may be gone through again.
    """

    score: str
    compute: Callable[[Iterable[pa.Table], Iterable[pa.Table]], Score]


@dataclass(frozen=True, eq=False)
class Check:
    """`score` computes one float per row for each score, NaN where not computed; it makes no decision.

    Rows beyond one of the `thresholds` carry its flag. `description` says in one line what the flags mean, `scores`
    what each score is. Scores are stored, and computed again only if `identity` has changed since: raise `version` when
    `score` would return another number for any row; `settings` names the data, parameters and libraries behind it.
    `labels` are the results of `score` that are names, not numbers.

    `derive` computes scores from a table of those of the other checks (score_table.py), one line per row, and reads no
    text. It costs next to nothing, so these scores are not stored: `polyrefuse check` derives them again.

    `together` is a score of the rows as a set; it is computed last, when all rows are available.

    `column` is for scores computed elsewhere: the rows' column of this name is used as it is.
    """

    name: str
    description: str
    score: Callable[[Batch], Scores] | None = None
    thresholds: Sequence[Threshold] = ()
    version: str = "1"
    settings: Callable[[], str] = lambda: ""
    scores: Mapping[str, str] = field(default_factory=dict)
    labels: Sequence[str] = ()
    derive: Callable[[pa.Table], Scores] | None = None
    together: Together | None = None
    column: str | None = None
    plugin: Plugin | None = field(default=None, repr=False)  # set where it is loaded

    def __post_init__(self) -> None:
        check_name(self.name, "check")
        if not self.description.strip() or len(self.description.splitlines()) > 1:
            raise ConfigError(f"check {self.name}: give a one-line description")
        if not str(self.version).strip():
            raise ConfigError(f"check {self.name}: give a version")
        for threshold in self.thresholds:
            if not isinstance(threshold, Threshold):
                raise ConfigError(f"check {self.name}: thresholds contains {threshold!r}, which is not a Threshold")

    @property
    def identity(self) -> str:
        """Name, version and settings in one line. The same line means the same scores for the same text."""
        settings = " ".join(filter(None, (self.settings(), self.plugin.origin if self.plugin else "")))
        return f"{self.name}:{self.version}" + (f"[{settings}]" if settings else "")

    @property
    def identity_together(self) -> str:
        """The identity of the `together` score, stored apart from those of single rows."""
        return f"{self.identity} of the set"

    def run(self, batch: Batch) -> pa.Table:
        """One column per score (null if not computed) and per label, one line per row.

        Raises PluginError, naming the plug-in, if a plugged-in check fails or returns something else.
        """
        assert self.score is not None, f"{self.name} does not score batches"
        return self._table(self.score, batch)

    def run_on_scores(self, scores: pa.Table) -> pa.Table:
        """The same from the scores of the other checks."""
        assert self.derive is not None, f"{self.name} derives no scores"
        return self._table(self.derive, scores)

    def _table(self, function: Callable[[Given], Scores], given: Given) -> pa.Table:
        with self._blamed():
            found = function(given)
            if not isinstance(found, Mapping):
                raise self._fault(f"gave a {type(found).__name__}, not a dict of scores by name")
            own = {*(threshold.score for threshold in self.thresholds), *self.labels}
            for name in sorted(own.difference(found, [self.together.score] if self.together else [])):
                raise self._fault(f"gave no score named {name}, on which it has a threshold")
            return pa.table({name: self._values(name, values, len(given)) for name, values in found.items()})

    def _values(self, name: str, values: Score | Labels, rows: int) -> pa.Array:
        check_name(name, f"check {self.name}: score")
        if name in self.labels:
            return pa.array(values, pa.string())
        numbers = np.asarray(values)
        if numbers.shape != (rows,):
            raise self._fault(f"gave {name} in the shape {numbers.shape}; its batch had {rows} rows, so give ({rows},)")
        if not np.issubdtype(numbers.dtype, np.floating) and not np.issubdtype(numbers.dtype, np.integer):
            raise self._fault(f"gave {name} as {numbers.dtype}: give floats, NaN for rows without a score")
        return pa.array(numbers.astype(np.float64), pa.float64(), from_pandas=True)

    def _blamed(self) -> AbstractContextManager[None]:
        return self.plugin.blamed() if self.plugin else nullcontext()

    def _fault(self, message: str) -> Exception:
        return self.plugin.error(message) if self.plugin else PluginError(f"check {self.name} {message}")


def score_translations(name: str, function: Callable[[str, str, str], float | None]) -> Callable[[Batch], Scores]:
    """Make a score function from one that takes (text, text_en, language) of a translated row."""

    def score(batch: Batch) -> Scores:
        rows = zip(batch.text, batch.text_en, batch.language, batch.translated, strict=True)
        values = [function(text, source, code) if translated else None for text, source, code, translated in rows]
        return {name: score_of(values)}

    return score


def traits_signature() -> str:
    """The `settings` of a check that reads language traits."""
    return f"traits-{packs_digest('traits.toml')}"
