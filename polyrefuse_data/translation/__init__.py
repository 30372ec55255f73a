"""Translation: backends, the fall-back chain, and the journal of answers."""

from __future__ import annotations

from polyrefuse_data.translation.backends import open_backend
from polyrefuse_data.translation.base import (
    Failure,
    Pair,
    Request,
    Result,
    Translation,
    Translator,
    Units,
    fingerprint,
    translate_requests,
)

__all__ = [
    "Failure",
    "Pair",
    "Request",
    "Result",
    "Translation",
    "Translator",
    "Units",
    "fingerprint",
    "open_backend",
    "translate_requests",
]
