"""Where a release lies: a folder, or a Hub dataset at a revision, downloaded into the usual cache."""

from __future__ import annotations

import re
from pathlib import Path

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release import layout
from polyrefuse_data.system.hub import client_errors, hub_error

_HUB_ID = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


def local_folder(where: str | Path, revision: str | None = None, *, only: list[str] | None = None) -> Path:
    """The folder of a release: `where` itself, or a snapshot of the Hub dataset `ORG/NAME[@REVISION]`.

    `only` are the paths wanted of a Hub dataset, as patterns (default: every file). Raises ReleaseError where there is
    no such folder, dataset or revision or the Hub does not answer, MissingPrerequisite where access is not granted.
    """
    folder = Path(where)
    if folder.is_dir():
        if revision is not None:
            raise ReleaseError(f"{where} is a folder: a revision goes with a Hub id")
        return folder
    match = _HUB_ID.fullmatch(str(where))
    if not match or folder.exists():
        raise ReleaseError(f"{where} is no release folder and no Hub id (ORG/NAME or ORG/NAME@REVISION)")
    return _snapshot(match["repo"], revision or match["revision"], only)


def _snapshot(repo_id: str, revision: str | None, only: list[str] | None) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(
            huggingface_hub.snapshot_download(
                repo_id, repo_type="dataset", revision=revision, allow_patterns=only, ignore_patterns=[".gitattributes"]
            )
        )
    except HFValidationError as error:
        raise ReleaseError(f"{repo_id} is no Hub id: {error}") from error
    except client_errors() as error:
        raise hub_error(error, f"{repo_id}{f'@{revision}' if revision else ''}", "dataset", ReleaseError) from error


def data_patterns() -> list[str]:
    """The paths that loading needs: the manifest and the data files."""
    return [layout.MANIFEST, f"{layout.DATA}/*"]
