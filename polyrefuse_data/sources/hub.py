"""Files of a dataset on the Hugging Face Hub as a source: at a commit, through the Hub's own cache."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.sources.reading import is_readable
from polyrefuse_data.system.hub import asking_the_hub, client_errors, hub_error

_ID = re.compile(r"(?P<repo>[\w-][\w.-]*/[\w-][\w.-]*)(@(?P<revision>[\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_MOST_NAMED = 20  # files of a repository in a message


def hub_files(hub: str, files: str, key: str) -> list[Path]:
    """The files of the Hub dataset `ORG/NAME@COMMIT` whose paths match the pattern `files`, fetched or cached. Of those
    that a broad pattern matches (`*`), the ones that hold no records (README.md) are left out.

    A branch or tag may move, and the prompts with it: ConfigError then names the commit to pin. Raises ConfigError also
    for an id that is none; SourceError if no file matches or the Hub does not answer; MissingPrerequisite if access is
    denied.
    """
    from huggingface_hub.errors import HFValidationError

    match = _ID.fullmatch(hub)
    if not match or ".." in hub:
        raise ConfigError(f"{key}: {hub!r} is not a dataset on the Hub: write ORG/NAME@COMMIT")
    repo, revision = match["repo"], match["revision"]
    try:
        with asking_the_hub():
            return _fetched(hub, repo, revision, files, key)
    except HFValidationError as error:
        raise ConfigError(f"{key}: {hub!r}: {error}") from error
    except client_errors() as error:
        raise hub_error(error, hub, "dataset", SourceError) from error


def _fetched(hub: str, repo: str, revision: str | None, files: str, key: str) -> list[Path]:
    import huggingface_hub

    options: dict[str, Any] = {"repo_type": "dataset", "revision": revision}
    if not revision or not _COMMIT.fullmatch(revision):
        commit = huggingface_hub.HfApi().dataset_info(repo, revision=revision).sha
        raise ConfigError(f"{key}: {hub} names no commit, so its content may change: pin the current one, {commit}")
    folder = Path(huggingface_hub.snapshot_download(repo, allow_patterns=[files], **options))
    found = sorted(path for path in folder.rglob("*") if path.is_file() and _matches(path, folder, files))
    if not found:
        names = huggingface_hub.HfApi().list_repo_files(repo, **options)
        more = ", ..." if len(names) > _MOST_NAMED else ""
        others = f", only {', '.join(names[:_MOST_NAMED])}{more}" if names else ", and no other"
        raise SourceError(f"{hub} has no file {files!r}{others}")
    return found


def _matches(path: Path, folder: Path, files: str) -> bool:
    return fnmatch(path.relative_to(folder).as_posix(), files) and (_is_named(files) or is_readable(path))


def _is_named(files: str) -> bool:
    """Whether a pattern says which kind of file is meant, so that one that cannot be read is an error."""
    return "." in files
