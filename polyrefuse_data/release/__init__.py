"""Releases, which a maintainer publishes and a user loads: writer, card, manifest, verify, diff, and the Hub.

The names below load on first use; importing this package loads no datasets, huggingface_hub or pyarrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polyrefuse_data.system.lazy import lazy_names

if TYPE_CHECKING:
    from polyrefuse_data.release.diff import diff_releases as diff_releases
    from polyrefuse_data.release.load import load_release as load_release
    from polyrefuse_data.release.load import release_info as release_info
    from polyrefuse_data.release.places import publish_to as publish_to
    from polyrefuse_data.release.publish import publish_release as publish_release
    from polyrefuse_data.release.showing import show_rows as show_rows
    from polyrefuse_data.release.verify import verify_release as verify_release
    from polyrefuse_data.release.writer import preview_release as preview_release
    from polyrefuse_data.release.writer import write_release as write_release

_HOMES = {
    "diff_releases": "diff",
    "load_release": "load",
    "preview_release": "writer",
    "publish_release": "publish",
    "publish_to": "places",
    "release_info": "load",
    "show_rows": "showing",
    "verify_release": "verify",
    "write_release": "writer",
}

__all__ = [
    "diff_releases",
    "load_release",
    "preview_release",
    "publish_release",
    "publish_to",
    "release_info",
    "show_rows",
    "verify_release",
    "write_release",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
