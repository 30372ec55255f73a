"""Build, check, version and publish a multilingual safety dataset, and measure refusal in chat models on it.

The names below are the public API. They load on first use: importing this package loads no torch, transformers,
datasets or openai.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polyrefuse_data.system.lazy import lazy_names

if TYPE_CHECKING:
    from polyrefuse_data.config import load_config as load_config
    from polyrefuse_data.pipeline.build import build as build
    from polyrefuse_data.quality import audit as audit
    from polyrefuse_data.quality import check as check
    from polyrefuse_data.release import load_release as load_release
    from polyrefuse_data.release import write_release as write_release
    from polyrefuse_data.workspace import Workspace as Workspace

__version__ = "0.1.0"

_HOMES = {
    "Workspace": "workspace",
    "audit": "quality",
    "build": "pipeline.build",
    "check": "quality",
    "load_config": "config",
    "load_release": "release",
    "write_release": "release",
}

__all__ = ["Workspace", "__version__", "audit", "build", "check", "load_config", "load_release", "write_release"]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
