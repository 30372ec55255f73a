"""Bounds on scores. A verdict is a pure function of a score and its threshold.

Every check brings its own (checks/), with their source. Bounds for single languages are in the language packs (`bounds`
in traits.toml), with theirs. A config can change both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from polyrefuse_data.config import QualityConfig
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import Language, find_language, language_packs

Score = npt.NDArray[np.float64]  # one number a row, NaN where it was not computed

_NAME = re.compile(r"[A-Za-z][\w.-]{0,63}", re.ASCII)  # stands in files, pages and spreadsheets, lists by spaces


@dataclass(frozen=True)
class Threshold:
    """A bound on a score: `at_least` or `at_most`. A row beyond it carries `flag`; where `rejects`, it is rejected.

    `by_language` holds the bounds of languages (BCP-47) that need their own; rows written by people (`origin` human)
    get the looser of these and `human`, if given. `source` says where the numbers come from. Configs refer to the
    threshold by its `name` (default: the flag's). Raises ConfigError for both bounds or neither, and for invalid names.
    """

    flag: str
    score: str
    at_least: float | None = None
    at_most: float | None = None
    source: str = ""
    by_language: Mapping[str, float] = field(default_factory=dict)
    human: float | None = None
    rejects: bool = True
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.flag)
        for what in ("flag", "score", "name"):
            check_name(getattr(self, what), f"threshold {self.name}: {what}")
        if (self.at_least is None) == (self.at_most is None):
            raise ConfigError(f"threshold {self.name}: give either at_least or at_most")
        for bound in (self.default, *self.by_language.values(), *(() if self.human is None else (self.human,))):
            if not isinstance(bound, float | int) or math.isnan(bound):
                raise ConfigError(f"threshold {self.name}: {bound!r} is not a bound: give a number")

    @property
    def is_floor(self) -> bool:
        """Whether the bound is a minimum; otherwise it is a maximum."""
        return self.at_least is not None

    @property
    def default(self) -> float:
        """The bound for languages without their own."""
        bound = self.at_least if self.at_least is not None else self.at_most
        assert bound is not None
        return bound

    def accept(self, score: Score, bounds: Score) -> npt.NDArray[np.bool_]:
        """True if the score is within its bound, or was not computed (NaN)."""
        beyond = score < bounds if self.is_floor else score > bounds
        return ~beyond

    def with_bound(self, bound: float) -> Threshold:
        """The same with one bound for all languages, whoever wrote the rows."""
        if self.is_floor:
            return replace(self, at_least=bound, by_language={}, human=None)
        return replace(self, at_most=bound, by_language={}, human=None)


@dataclass(frozen=True)
class Thresholds:
    """Thresholds by name, in the order in which rows list their flags."""

    table: Mapping[str, Threshold]
    flags: frozenset[str] = frozenset()  # of every check, disabled ones too

    @property
    def remarks(self) -> set[str]:
        """The flags that reject nothing."""
        rejecting = {threshold.flag for threshold in self.table.values() if threshold.rejects}
        return {threshold.flag for threshold in self.table.values()} - rejecting

    def bounds(self, name: str, languages: Sequence[str], by_hand: npt.NDArray[np.bool_] | None = None) -> Score:
        """The bound of threshold `name` for each row's language; `by_hand` masks the rows that people wrote."""
        threshold = self.table[name]
        own = np.array([threshold.by_language.get(code, threshold.default) for code in languages], dtype=np.float64)
        if by_hand is None or threshold.human is None:
            return own
        looser = (np.minimum if threshold.is_floor else np.maximum)(own, threshold.human)
        return np.where(by_hand, looser, own)


def in_force(built_in: Iterable[Threshold], config: QualityConfig) -> Thresholds:
    """The thresholds with the packs' bounds and a config's changes applied, and without disabled flags.

    Raises ConfigError for a flag or threshold that does not exist.
    """
    known = {threshold.name: threshold for threshold in built_in}
    flags = {threshold.flag for threshold in known.values()}
    for name in config.disable:
        if name not in flags:
            raise ConfigError(f"quality.disable: no flag is named {name!r}; the flags are {', '.join(sorted(flags))}")
    own = {code: bounds_of(language, known) for code, language in language_packs().items()}
    table = {
        name: replace(
            threshold,
            by_language={
                **threshold.by_language,
                **{code: bounds[name] for code, bounds in own.items() if name in bounds},
            },
        )
        for name, threshold in known.items()
        if threshold.flag not in config.disable
    }
    for name, value in config.thresholds.items():
        if name not in known:
            raise ConfigError(f"quality.thresholds.{name}: no such threshold; there are {', '.join(known)}")
        check_bound(f"quality.thresholds.{name}", value)
        if name in table:
            table[name] = _changed(table[name], value)
    return Thresholds(table, frozenset(flags))


def score_of(values: Sequence[float | None]) -> Score:
    """A list with None for "not computed" as a Score."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def check_name(name: str, what: str) -> None:
    """Raise ConfigError for a name that cannot be used in files, pages and spreadsheets."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{what} {name!r} is not a valid name: start with a letter, then use letters, digits, _, . and -"
        )


def check_bound(key: str, value: float | Mapping[str, float]) -> None:
    """Raise ConfigError for bounds in a config that are not numbers, or for unknown languages."""
    for code, bound in value.items() if isinstance(value, Mapping) else [("", value)]:
        where = f"{key}.{code}" if code else key
        if code and ((known := find_language(code)) is None or known.code != code):
            raise ConfigError(f"{where}: {code!r} is not a language code (`polyrefuse languages --all` lists them)")
        if math.isnan(bound):
            raise ConfigError(f"{where}: a bound is a number; to switch off a flag, use quality.disable")


def bounds_of(language: Language, known: Collection[str]) -> dict[str, float]:
    """The bounds in a language's pack. Raises ConfigError if it names a threshold that is not in `known`."""
    for name in language.traits.bounds:
        if name not in known:
            raise ConfigError(
                f"{language.pack}/traits.toml: bounds.{name}: no such threshold; there are {', '.join(known)}"
            )
    return {name: own.bound for name, own in language.traits.bounds.items()}


def _changed(threshold: Threshold, value: float | Mapping[str, float]) -> Threshold:
    if isinstance(value, Mapping):
        return replace(threshold, by_language={**threshold.by_language, **value})
    return threshold.with_bound(value)
