"""What callers may give for `[quality]`, and the QualityConfig that it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from polyrefuse_data.config import QualityConfig
from polyrefuse_data.errors import ConfigError

Settings = QualityConfig | Mapping[str, Any] | None


def quality_config(config: Settings) -> QualityConfig:
    """A QualityConfig from one, from a plain dict of one, or the defaults."""
    if isinstance(config, QualityConfig):
        return config
    if not isinstance(config, Mapping | None):
        raise ConfigError(f"quality: a QualityConfig or a dict of its keys, not {type(config).__name__}")
    try:
        return QualityConfig.model_validate(dict(config or {}))
    except ValidationError as error:
        lines = [f"quality.{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise ConfigError("\n".join(lines)) from None
