"""The checks and thresholds that a config asks for: `[quality]`, resolved once at the start of a command or call."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from pydantic import ValidationError

from polyrefuse_data import __version__, plugins
from polyrefuse_data.config import QualityConfig
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.checks import CHECKS
from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.checks.judged import JUDGED, judged
from polyrefuse_data.quality.checks.language_id import LANGUAGE_ID, language_id
from polyrefuse_data.quality.checks.language_unverified import LANGUAGE_UNVERIFIED, language_unverified
from polyrefuse_data.quality.checks.semantic import SEMANTIC, semantic
from polyrefuse_data.quality.imported_scores import named_scores
from polyrefuse_data.quality.thresholds import Thresholds, in_force
from polyrefuse_data.rows import COLUMNS, MAKER_FLAGS, MAKER_NOTES


@dataclass(frozen=True)
class Suite:
    """A suite of checks: `checks` in the order in which rows list their flags, and `bounds`, the resolved thresholds.

    Another process creates its own from the config.
    """

    config: QualityConfig
    checks: tuple[Check, ...]
    bounds: Thresholds

    @property
    def scoring(self) -> list[Check]:
        """The checks that score rows batch by batch."""
        return [check for check in self.checks if check.score is not None]

    @property
    def deriving(self) -> list[Check]:
        """The checks whose scores follow from those of the others."""
        return [check for check in self.checks if check.derive is not None]

    @property
    def together(self) -> list[Check]:
        """The checks with a score that all rows decide together."""
        return [check for check in self.checks if check.together is not None]

    @property
    def columns(self) -> list[str]:
        """Columns of the rows that are imported scores."""
        return [check.column for check in self.checks if check.column is not None]

    @cached_property
    def identities(self) -> dict[str, str]:
        """The identity of each check that scores rows one by one, by its name."""
        return {check.name: check.identity for check in self.checks if check.score or check.column}

    @cached_property
    def signature(self) -> str:
        """One line: the package's version, each check with its own and its settings (sacrebleu's signatures too), and
        the thresholds' hash. Two verdicts can be compared where it is the same."""
        computed = [self.identities[check.name] for check in self.scoring]
        computed += [check.identity for check in self.deriving]
        together = [check.identity for check in self.together if check.score is None]
        parts = [f"polyrefuse-data {__version__}", *computed, *together]
        return "; ".join([*parts, f"thresholds {_hash(self.bounds)}"])

    @cached_property
    def legend(self) -> dict[str, str]:
        """Flag -> what it means, in a line."""
        return {threshold.flag: check.description for check in self.checks for threshold in check.thresholds}

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (json.dumps(self.config.model_dump()),)  # a bound may be infinite


Settings = Suite | QualityConfig | Mapping[str, Any] | None


def suite_of(config: Settings = None) -> Suite:
    """The suite for a QualityConfig, a dict of its keys, or the defaults.

    Raises ConfigError for keys, checks, thresholds or languages that do not exist, and for two checks with one name;
    PluginError for a check that cannot be loaded.
    """
    if isinstance(config, Suite):
        return config
    settings = quality_config(config)
    configured = {
        LANGUAGE_ID: language_id(settings.identifier),
        LANGUAGE_UNVERIFIED: language_unverified(settings.identifier),
        SEMANTIC: semantic(settings.semantic_model),
        JUDGED: judged(settings.judge),
    }
    own = [configured.get(check, check) for check in CHECKS[:-1] if check.column not in settings.scores]
    imported = named_scores(settings.scores)
    others = [_load(name, f"quality.checks.{place}") for place, name in enumerate(settings.checks)]
    checks = (*own, *imported, *others, CHECKS[-1])
    _refuse_clashes(checks)
    thresholds = (threshold for check in checks for threshold in check.thresholds)
    return Suite(settings, checks, in_force(thresholds, settings))


def quality_config(config: QualityConfig | Mapping[str, Any] | None) -> QualityConfig:
    """A QualityConfig from a QualityConfig, a dict, or the defaults. Raises ConfigError."""
    if isinstance(config, QualityConfig):
        return config
    if not isinstance(config, Mapping | None):
        raise ConfigError(f"quality must be a QualityConfig or a dict of its keys, not {type(config).__name__}")
    try:
        return QualityConfig.model_validate(dict(config or {}))
    except ValidationError as error:
        lines = [f"quality.{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def signature(config: Settings = None) -> str:
    """The signature of the checks under a config: the same line means comparable verdicts."""
    return suite_of(config).signature


@lru_cache(maxsize=4)  # a worker is given it with every batch
def _made_again(config: str) -> Suite:
    return suite_of(json.loads(config))


def _load(name: str, key: str) -> Check:
    plugin = plugins.load(plugins.CHECKS, name, key, ())
    check: Check = plugin.of_kind(Check, "a polyrefuse_data.quality.Check")
    if check.score is None and check.derive is None:
        raise plugin.error("has no score function")
    return replace(check, plugin=plugin)


def _refuse_clashes(checks: Iterable[Check]) -> None:
    """Raise ConfigError for names that two checks share, or that rows use otherwise."""
    checks = list(checks)
    for what, names in (
        ("name", [check.name for check in checks]),
        ("threshold", [threshold.name for check in checks for threshold in check.thresholds]),
        ("flag", [flag for check in checks for flag in {threshold.flag for threshold in check.thresholds}]),
        ("score", [score for check in checks for score in {*check.scores, *(t.score for t in check.thresholds)}]),
    ):
        for name, count in Counter(names).items():
            if count > 1:
                raise ConfigError(f"quality: two checks have the {what} {name}: rename one")
    taken = {*MAKER_FLAGS, *MAKER_NOTES, *COLUMNS}
    built_in = {check.name for check in CHECKS}
    for check in checks:
        flags = {threshold.flag for threshold in check.thresholds}
        if (check.plugin or check.column or check.name not in built_in) and (
            clash := taken.intersection({check.name, *flags})
        ):
            raise ConfigError(f"quality: check {check.name}: the name {min(clash)} is taken: rename it")


def _hash(bounds: Thresholds) -> str:
    """12 hex digits of the sha256 of every bound in force."""
    rows = {
        name: [row.flag, row.score, row.is_floor, row.default, dict(row.by_language), row.human, row.rejects]
        for name, row in bounds.table.items()
    }
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:12]
