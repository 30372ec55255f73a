"""Engines: where work runs. They know items, stages and workers, but nothing of translation or quality."""

from __future__ import annotations

from polyrefuse_data.config import EngineConfig
from polyrefuse_data.engines.base import Engine, Stage
from polyrefuse_data.engines.local import LocalEngine
from polyrefuse_data.errors import ConfigError

ENGINES = ("local", "ray")


def open_engine(name: str, config: EngineConfig | None = None, address: str | None = None) -> Engine:
    """The engine called `name`; `address` is that of a Ray cluster (None: start one on this machine).

    Raises ConfigError for an unknown engine, MissingPrerequisite if its extra is not installed.
    """
    settings = config or EngineConfig()
    if name == "ray":
        from polyrefuse_data.engines.ray import RayEngine

        return RayEngine(settings, address)
    if name != "local":
        raise ConfigError(f"unknown engine {name!r}: use {' or '.join(ENGINES)}")
    if address:
        raise ConfigError("--address works only with --engine ray")
    return LocalEngine(settings.workers)


__all__ = ["Engine", "LocalEngine", "Stage", "open_engine"]
