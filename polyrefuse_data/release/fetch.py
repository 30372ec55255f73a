"""Locates a release: a folder, or a Hub dataset at a revision, downloaded into the usual cache."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release import layout
from polyrefuse_data.system.hub import asking_the_hub, client_errors, hub_error

_HUB_ID = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Located:
    """The folder of a release, and why it is an unconfirmed copy from the cache; None if the Hub confirmed it."""

    folder: Path
    cached_because: str | None = None


def local_folder(where: str | Path, revision: str | None = None, *, only: list[str] | None = None) -> Path:
    """The folder of a release, from `locate`. Warns if it is an unconfirmed copy."""
    located = locate(where, revision, only=only)
    if located.cached_because:
        _logger.warning("reading %s from the cache: %s", where, located.cached_because)
    return located.folder


def locate(where: str | Path, revision: str | None = None, *, only: list[str] | None = None) -> Located:
    """Locate a release: the folder `where`, or a snapshot of the Hub dataset `ORG/NAME[@REVISION]`.

    `only` are patterns of the paths wanted from a Hub dataset (default: every file). Raises ReleaseError if there is no
    such folder, dataset or revision, or the Hub does not answer; MissingPrerequisite if access is denied.
    """
    folder = Path(where)
    if folder.is_dir():
        if revision is not None:
            raise ReleaseError(f"{where} is a folder: a revision only goes with a Hub id")
        return Located(folder)
    match = _HUB_ID.fullmatch(str(where))
    if not match or folder.exists():
        raise ReleaseError(f"{where} is neither a release folder nor a Hub id (ORG/NAME or ORG/NAME@REVISION)")
    return _snapshot(match["repo"], revision or match["revision"], only)


def _snapshot(repo_id: str, revision: str | None, only: list[str] | None) -> Located:
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError, RevisionNotFoundError

    where = f"{repo_id}{f'@{revision}' if revision else ''}"

    def download(**options: Any) -> Path:
        options |= {"repo_type": "dataset", "allow_patterns": only, "ignore_patterns": [".gitattributes"]}
        with asking_the_hub():
            return Path(huggingface_hub.snapshot_download(repo_id, **options))

    try:
        # Asked for itself: where the Hub refuses, a snapshot is answered from the cache without a word.
        with asking_the_hub():
            huggingface_hub.HfApi().dataset_info(repo_id, revision=revision)
        return Located(download(revision=revision))
    except HFValidationError as error:
        raise ReleaseError(f"{repo_id} is not a Hub id: {error}") from error
    except RevisionNotFoundError as error:
        raise hub_error(error, where, "dataset", ReleaseError) from error
    except client_errors() as error:
        told = hub_error(error, where, "dataset", ReleaseError)
        try:
            return Located(download(revision=revision, local_files_only=True), str(told))
        except client_errors():
            raise told from error


def data_patterns() -> list[str]:
    """The paths that loading needs: the manifest and the data files."""
    return [layout.MANIFEST, f"{layout.DATA}/*"]
