"""Build, check, version and publish a multilingual safety dataset, and measure refusal in chat models on it.

The names below are the public API. They load on first use: importing this package loads no torch, transformers,
datasets or openai.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polyrefuse_data.system.lazy import lazy_names

if TYPE_CHECKING:
    from polyrefuse_data.quality import audit as audit
    from polyrefuse_data.release import load_release as load_release

__version__ = "0.1.0"

_HOMES = {
    "load_release": "release",
    "audit": "quality",
}

__all__ = ["__version__", "audit", "load_release"]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
