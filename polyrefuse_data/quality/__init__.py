"""Quality: checks score rows, thresholds decide, and report and review show the result.

The names below load on first use: a process that only checks rows loads neither the report nor the review.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polyrefuse_data.system.lazy import lazy_names

if TYPE_CHECKING:
    from polyrefuse_data.quality.auditing import audit as audit
    from polyrefuse_data.quality.batch import Batch as Batch
    from polyrefuse_data.quality.checking import check as check
    from polyrefuse_data.quality.checks.base import Check as Check
    from polyrefuse_data.quality.report import write_report as write_report
    from polyrefuse_data.quality.review import export_review as export_review
    from polyrefuse_data.quality.review import import_review as import_review
    from polyrefuse_data.quality.suite import signature as signature
    from polyrefuse_data.quality.thresholds import Threshold as Threshold

_HOMES = {
    "Batch": "batch",
    "Check": "checks.base",
    "Threshold": "thresholds",
    "audit": "auditing",
    "check": "checking",
    "export_review": "review",
    "import_review": "review",
    "signature": "suite",
    "write_report": "report",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
