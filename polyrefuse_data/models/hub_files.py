"""The files of a model on the Hub at one commit, each verified against the Hub's digest."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ModelError
from polyrefuse_data.system.hub import asking_the_hub, client_errors, hub_error
from polyrefuse_data.system.input_files import open_input


class HubFiles:
    """The files of a model on the Hub. Raises MissingPrerequisite or ModelError if there is no such model, or the Hub
    does not answer."""

    def __init__(self, model: str, revision: str | None) -> None:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HFValidationError

        self.model = model
        self._where = f"{model}@{revision}" if revision else model
        try:
            with asking_the_hub():
                info = HfApi().model_info(model, revision=revision, files_metadata=True)
        except HFValidationError as error:
            raise ModelError(f"{self._where} is neither a folder nor a Hub id (ORG/NAME)") from error
        except client_errors() as error:
            raise hub_error(error, self._where, "model", ModelError) from error
        if info.sha is None:
            raise ModelError(f"{self._where}: the Hub does not say which commit this is; run again")
        self.revision: str = info.sha
        self._files = {file.rfilename: file for file in info.siblings or () if "/" not in file.rfilename}
        self.path = cache(self._path)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._files)

    def _path(self, name: str) -> Path:
        """The file in the Hub's own cache. A damaged one is fetched once more before that is an error."""
        for again in (False, True):
            path = self._download(name, again)
            if _is_whole(path, self._files[name]):
                return path
        raise ModelError(f"{self._where}: {name} does not match the Hub's digest, twice in a row: run again later")

    def _download(self, name: str, again: bool) -> Path:
        from huggingface_hub import hf_hub_download

        try:
            with asking_the_hub():
                return Path(hf_hub_download(self.model, name, revision=self.revision, force_download=again))
        except client_errors() as error:
            raise hub_error(error, self._where, "model", ModelError) from error


def _is_whole(path: Path, file: Any) -> bool:
    """Whether a file has the digest that the Hub lists: the sha256 of a large one, git's sha1 of a small one."""
    with open_input(path) as content:
        if file.lfs is not None:
            return bool(hashlib.file_digest(content, "sha256").hexdigest() == file.lfs.sha256)
        from huggingface_hub.utils.sha import git_hash

        return bool(git_hash(content.read()) == file.blob_id)
