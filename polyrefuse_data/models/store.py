"""Where models are stored: bundled with the package, fetched into the cache, or wherever their name says.

In the cache, models/ORG--NAME/COMMIT/ holds a fetched model (safetensors, configuration, vocabulary, fetched.json), and
models/ORG--NAME/refs/REVISION the commit that was fetched for a branch or tag.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from polyrefuse_data.errors import ModelError
from polyrefuse_data.models.pins import pinned_revision
from polyrefuse_data.system.cache import cache_folder
from polyrefuse_data.system.files import atomic_write
from polyrefuse_data.system.input_files import read_input_text

BUNDLED = "bundled:"  # before the name of a model that comes with the package
DEFAULT_REVISION = "main"
RECORD = "fetched.json"


def located(model: str, revision: str | None = None) -> str:
    """What to load for `model`: the folder of a bundled or fetched one, else the name itself."""
    fetched = fetched_folder(model, revision)
    return str(fetched) if fetched else bundled_folder(model)


def bundled_folder(model: str) -> str:
    """The folder of a bundled model, for `bundled:NAME`; any other name unchanged."""
    if not model.startswith(BUNDLED):
        return model
    from polyrefuse_data.demo.bundled import bundled_model

    return bundled_model(model.removeprefix(BUNDLED))


def fetched_folder(model: str, revision: str | None = None) -> Path | None:
    """The cache folder of a model that was fetched at this revision (default: the pinned one, or main)."""
    if Path(model).is_absolute() or Path(model).is_dir():
        return None
    asked = revision or pinned_revision(model) or DEFAULT_REVISION
    reference = _reference(model, asked)
    commit = read_input_text(reference).strip() if reference.is_file() else asked
    folder = place(model, commit)
    return folder if (folder / RECORD).is_file() else None


def place(model: str, commit: str) -> Path:
    """The cache folder for a Hub model at a commit."""
    return _home(model) / quote(commit, safe="")


def remember(model: str, revision: str, commit: str) -> None:
    """Record that `revision` of `model` is this commit."""
    atomic_write(_reference(model, revision), f"{commit}\n")


def read_record(folder: Path) -> dict[str, Any]:
    """The record of a fetched model. Raises ModelError if it is damaged."""
    try:
        record = json.loads(read_input_text(folder / RECORD))
        if not isinstance(record["model"], str) or not isinstance(record["revision"], str):
            raise TypeError("no model and revision")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder / RECORD} is damaged ({error}): remove {folder} and fetch the model again") from None
    return dict(record)


def _home(model: str) -> Path:
    return cache_folder("models") / model.replace("/", "--")


def _reference(model: str, revision: str) -> Path:
    return _home(model) / "refs" / quote(revision, safe="")
