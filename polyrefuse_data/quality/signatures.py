"""The signature of the checks: versions and settings, so that two reports can be compared."""

from __future__ import annotations

import hashlib
import json

from polyrefuse_data import __version__
from polyrefuse_data.quality import shared_targets
from polyrefuse_data.quality.checks import checks_for
from polyrefuse_data.quality.settings import Settings, quality_config
from polyrefuse_data.quality.thresholds import thresholds


def signature(config: Settings = None) -> str:
    """One line: the package's version, each check with its own and its settings (sacrebleu's signatures too), and the
    thresholds' hash."""
    checks = [check.identity for check in checks_for(quality_config(config))]
    parts = [f"polyrefuse-data {__version__}", *checks, shared_targets.identity()]
    return "; ".join([*parts, f"thresholds {thresholds_hash(config)}"])


def thresholds_hash(config: Settings = None) -> str:
    """12 hex digits of the sha256 of every bound in force."""
    table = thresholds(quality_config(config)).table
    bounds = {
        name: [row.flag, row.score, row.is_floor, row.default, dict(row.by_language), row.rejects]
        for name, row in table.items()
    }
    return hashlib.sha256(json.dumps(bounds, sort_keys=True).encode()).hexdigest()[:12]
