"""Every threshold, in one table, with its source. A verdict is a pure function of a score and its threshold.

Bounds of single languages stand in their packs (`bounds` of traits.toml), with their sources.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from polyrefuse_data.config import QualityConfig
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import Language, find_language, language_packs
from polyrefuse_data.quality.checks.base import Score

FLOOR, CEILING = True, False


@dataclass(frozen=True)
class Threshold:
    """A bound on a score. A row beyond it carries `flag`; where `rejects`, the row is rejected.

    `is_floor`: the score has to be no lower than the bound (a floor); otherwise no higher (a ceiling).
    """

    flag: str
    score: str
    is_floor: bool
    default: float
    source: str
    by_language: Mapping[str, float] = field(default_factory=dict)
    rejects: bool = True

    def accept(self, score: Score, bounds: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """True where the score is within its bound; a score that was not computed (NaN) is."""
        beyond = score < bounds if self.is_floor else score > bounds
        return ~beyond


# Where the bounds come from: quantiles of the 13,000 published PolyRefuse rows that align with English (13 languages),
# and of the planted corruptions of benchmarks/corruptions.py on the same rows; `benchmarks/quality.py` measures both.
_PUBLISHED = "published PolyRefuse rows: beyond their 0.2nd to 99.8th percentile, and short of the planted corruptions"

THRESHOLDS: dict[str, Threshold] = {
    "empty": Threshold("empty", "readable_characters", FLOOR, 1, "a prompt has something to read"),
    "unknown_language": Threshold("unknown_language", "known_language", FLOOR, 1, "a BCP-47 or FLORES-200 code"),
    "unpaired": Threshold(
        "unpaired", "paired", FLOOR, 1, "what is compared with the English prompt says nothing without one",
        rejects=False,
    ),
    "hidden_characters": Threshold(
        "hidden_characters", "hidden_characters", CEILING, 0, "a reader sees every character", rejects=False
    ),
    "hidden_characters_damage": Threshold(
        "hidden_characters", "damage", CEILING, 0, "published rows: a translator's trace alone"
    ),
    "language_id": Threshold(
        "language_id",
        "language_confidence",
        FLOOR,
        0.06,
        "published PolyRefuse rows: rejects 0.1% of good rows; close relatives have a bound of their own",
    ),
    "language_unverified": Threshold(
        "language_unverified", "identifiable", FLOOR, 1, "the identifier knows the language", rejects=False
    ),
    "script": Threshold(
        "script", "expected_script", FLOOR, 0.6, _PUBLISHED
    ),
    "related_language": Threshold(
        "related_language",
        "relative_odds",
        CEILING,
        0,
        "published PolyRefuse rows: above their 99.8th percentile (nats)",
    ),
    "mixed_languages": Threshold(
        "mixed_languages",
        "foreign_run",
        CEILING,
        16,
        "published PolyRefuse rows: above their 99.8th percentile (nats), and above what one word may say",
    ),
    "untranslated": Threshold("untranslated", "copy_ratio", CEILING, 0.8, _PUBLISHED),
    "partly_translated_run": Threshold("partly_translated", "english_run", CEILING, 0.3, _PUBLISHED),
    "partly_translated_phrase": Threshold("partly_translated", "english_phrase", CEILING, 0.1, _PUBLISHED),
    "length_ratio_min": Threshold(
        "length_ratio",
        "length_ratio",
        FLOOR,
        0.15,
        "published PolyRefuse rows: below their 0.2nd percentile, above a third of their 99th",
    ),
    "length_ratio_max": Threshold(
        "length_ratio",
        "length_ratio",
        CEILING,
        4.0,
        "published PolyRefuse rows: above their longest",
    ),
    "repetition": Threshold("repetition", "repetition", CEILING, 0.22, _PUBLISHED),
    "preserved": Threshold("preserved", "lost", CEILING, 0, "numbers, placeholders, URLs and lines are kept"),
    "translator_refused": Threshold("translator_refused", "refusal", CEILING, 0, "a refusal is no translation"),
    "translator_answered": Threshold("translator_answered", "answer", CEILING, 0, "an answer is no translation"),
    "punctuation": Threshold("punctuation", "punctuation", CEILING, 0, "as many as the prompt has", rejects=False),
    "back_translation": Threshold(
        "back_translation",
        "chrf",
        FLOOR,
        20,
        "chrF++ of true pairs has 1st percentiles 21-41, of mismatched pairs 99th percentiles 24-31",
    ),
    "no_back_translation": Threshold(
        "no_back_translation", "came_back", FLOOR, 1, "a translator that declines to translate back shows nothing",
        rejects=False,
    ),
    "mismatched": Threshold(
        "mismatched",
        "correspondence",
        FLOOR,
        -2,
        "cross-validated on published rows: about 1% of good rows that the lexicon has not seen lie below",
    ),
    "mismatched_english": Threshold("mismatched", "own_english", FLOOR, 1, "an English row is its own prompt"),
    "semantic": Threshold("semantic", "semantic_similarity", FLOOR, 0.4, "LaBSE; only with quality.semantic_model"),
    "comet": Threshold("comet", "comet", FLOOR, 0.5, "imported; COMET-22, where 1 is perfect"),
    "metricx": Threshold("metricx", "metricx", CEILING, 10, "imported; MetricX counts errors, 0 to 25"),
    "human": Threshold("human", "human", FLOOR, 50, "imported; direct assessment, 0 to 100"),
    "duplicate_target": Threshold(
        "duplicate_target", "duplicate_target", CEILING, 0, "two prompts do not share one translation"
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Thresholds:
    """The table with a config's changes applied, without the disabled flags."""

    table: Mapping[str, Threshold]

    def bounds(self, name: str, languages: Sequence[str]) -> npt.NDArray[np.float64]:
        """The bound of threshold `name` for each row's language."""
        threshold = self.table[name]
        return np.array([threshold.by_language.get(code, threshold.default) for code in languages], dtype=np.float64)


def thresholds(config: QualityConfig) -> Thresholds:
    """The thresholds that `config` asks for. Raises ConfigError for a check or threshold that does not exist."""
    flags = {threshold.flag for threshold in THRESHOLDS.values()}
    for name in config.disable:
        if name not in flags:
            raise ConfigError(
                f"quality.disable: no check is called {name!r}; the checks are {', '.join(sorted(flags))}"
            )
    own = {code: bounds_of(known) for code, known in language_packs().items()}
    table = {
        name: replace(threshold, by_language={code: bounds[name] for code, bounds in own.items() if name in bounds})
        for name, threshold in THRESHOLDS.items()
        if threshold.flag not in config.disable
    }
    for name, value in config.thresholds.items():
        if name not in THRESHOLDS:
            raise ConfigError(f"quality.thresholds.{name}: no such threshold; there are {', '.join(THRESHOLDS)}")
        _check_bound(name, value)
        if name in table:
            table[name] = _changed(table[name], value)
    return Thresholds(table)


def bounds_of(language: Language) -> dict[str, float]:
    """The bounds of a language's own. Raises ConfigError for a pack that names a threshold that does not exist."""
    for name in language.traits.bounds:
        if name not in THRESHOLDS:
            raise ConfigError(
                f"{language.pack}/traits.toml: bounds.{name}: no such threshold; there are {', '.join(THRESHOLDS)}"
            )
    return {name: own.bound for name, own in language.traits.bounds.items()}


def _check_bound(name: str, value: float | Mapping[str, float]) -> None:
    for code, bound in value.items() if isinstance(value, Mapping) else [("", value)]:
        key = f"quality.thresholds.{name}" + (f".{code}" if code else "")
        if code and ((known := find_language(code)) is None or known.code != code):
            raise ConfigError(f"{key}: {code!r} is no language code (`polyrefuse languages --all` lists them)")
        if math.isnan(bound):
            raise ConfigError(f"{key}: a bound is a number; to switch a check off use quality.disable")


def _changed(threshold: Threshold, value: float | Mapping[str, float]) -> Threshold:
    if isinstance(value, Mapping):
        return replace(threshold, by_language={**threshold.by_language, **value})
    return replace(threshold, default=value, by_language={})
