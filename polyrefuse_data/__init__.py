"""Build, check, version and publish a multilingual safety dataset, and measure refusal in chat models on it.

The names below are the public API (docs/python.md). They load on first use: importing this package loads no torch,
transformers, datasets or openai.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polyrefuse_data.system.lazy import lazy_names

if TYPE_CHECKING:
    from polyrefuse_data.config import Config as Config
    from polyrefuse_data.config import load_config as load_config
    from polyrefuse_data.errors import PolyrefuseError as PolyrefuseError
    from polyrefuse_data.pipeline.build import build as build
    from polyrefuse_data.pipeline.importing import import_path as import_path
    from polyrefuse_data.pipeline.summary import BuildEstimate as BuildEstimate
    from polyrefuse_data.pipeline.summary import BuildSummary as BuildSummary
    from polyrefuse_data.quality import audit as audit
    from polyrefuse_data.quality import check as check
    from polyrefuse_data.quality import write_report as write_report
    from polyrefuse_data.quality.checking import CheckSummary as CheckSummary
    from polyrefuse_data.release import load_release as load_release
    from polyrefuse_data.release import verify_release as verify_release
    from polyrefuse_data.release import write_release as write_release
    from polyrefuse_data.workspace import Workspace as Workspace

__version__ = "0.2.0"

_HOMES = {
    "BuildEstimate": "pipeline.summary",
    "BuildSummary": "pipeline.summary",
    "CheckSummary": "quality.checking",
    "Config": "config",
    "PolyrefuseError": "errors",
    "Workspace": "workspace",
    "audit": "quality",
    "build": "pipeline.build",
    "check": "quality",
    "import_path": "pipeline.importing",
    "load_config": "config",
    "load_release": "release",
    "verify_release": "release",
    "write_release": "release",
    "write_report": "quality",
}

__all__ = [
    "BuildEstimate",
    "BuildSummary",
    "CheckSummary",
    "Config",
    "PolyrefuseError",
    "Workspace",
    "__version__",
    "audit",
    "build",
    "check",
    "import_path",
    "load_config",
    "load_release",
    "verify_release",
    "write_release",
    "write_report",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
