"""Fetches a model once: its files at one commit, each verified, its weights as safetensors, and a record of it all."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from polyrefuse_data.errors import ConfigError, ModelError, PolyrefuseError
from polyrefuse_data.models.conversion import PICKLE, PICKLE_INDEX, SAFETENSORS, SAFETENSORS_INDEX, convert
from polyrefuse_data.models.hub_files import HubFiles
from polyrefuse_data.models.pins import pinned_digests, pinned_revision
from polyrefuse_data.models.store import DEFAULT_REVISION, RECORD, fetched_folder, place, read_record, remember
from polyrefuse_data.system.extras import require
from polyrefuse_data.system.files import atomic_write, make_folder
from polyrefuse_data.system.input_files import read_input_text, sha256_of
from polyrefuse_data.system.locks import lock_folder
from polyrefuse_data.system.safe_weights import folder_revision
from polyrefuse_data.system.unfinished_files import part_of

# Configuration and vocabulary; weights for other frameworks, and code, stay where they are.
_WANTED = frozenset({".json", ".model", ".spm", ".txt", ".jinja"})


class Files(Protocol):
    """The files of a model before it is fetched."""

    model: str
    revision: str

    @property
    def names(self) -> frozenset[str]: ...

    def path(self, name: str) -> Path:
        """The local path of a file, fetched and verified."""
        ...


def fetch_model(model: str, revision: str | None = None, out: Path | None = None) -> Path:
    """Fetch a model as safetensors into `out`, or into the cache, where a build finds it by name. Returns the folder.

    `model` is a Hub id or a folder. Without `revision`, a pinned model is fetched at its pin, another one at the
    current `main`. Pickled weights are converted (conversion.py). fetched.json in the folder records the commit and the
    sha256 of every file, before and after. A model that was fetched before is only checked against its record.

    Raises MissingPrerequisite if the Hub does not give us the model; ModelError if its files are damaged, differ from
    the pin, or are not the weights of a model; ConfigError if `out` is taken.
    """
    require("fetching a model", "nllb")
    if out is not None and out.exists() and not (out / RECORD).exists():
        raise ConfigError(f"{out} is already there: choose another folder")
    known = out if out is not None and out.exists() else fetched_folder(model, revision) if out is None else None
    if known is not None:
        _check(known, model)
        return known
    if Path(model).is_dir():
        if out is None or revision is not None:
            raise ConfigError(f"{model} is a folder: give --out for the converted model, and leave out the revision")
        files: Files = FolderFiles(Path(model))
    else:
        files = HubFiles(model, revision or pinned_revision(model))
    target = out or place(model, files.revision)
    make_folder(target.parent)
    alone = lock_folder(target.parent, wait=True) if out is None else contextlib.nullcontext()
    with alone, part_of(target, is_folder=True) as part:
        if not target.exists():  # nobody fetched it while we waited
            _write(files, part / "model")
            (part / "model").replace(target)
    if out is None:
        remember(model, revision or pinned_revision(model) or DEFAULT_REVISION, files.revision)
    return target


class FolderFiles:
    """A model in a folder."""

    def __init__(self, folder: Path) -> None:
        self.model = folder.resolve().name
        self.revision = folder_revision(folder)
        self._folder = folder

    @property
    def names(self) -> frozenset[str]:
        return frozenset(path.name for path in self._folder.iterdir() if path.is_file())

    def path(self, name: str) -> Path:
        return self._folder / name


def _write(files: Files, folder: Path) -> None:
    """Write everything that loading needs into a new folder."""
    folder.mkdir()
    weights = _weights(files)
    pinned = pinned_digests(files.model, files.revision)
    origin = {}
    for name in sorted(name for name in files.names if Path(name).suffix in _WANTED and name != PICKLE_INDEX):
        origin[name] = _take(files, name, pinned)
        shutil.copyfile(files.path(name), folder / name)
    for name in weights:
        origin[name] = _take(files, name, pinned)
    pickles = [files.path(name) for name in weights if name.endswith(".bin")]
    try:
        if pickles:
            convert(pickles, folder)
        else:
            for name in weights:
                shutil.copyfile(files.path(name), folder / name)
    except PolyrefuseError as error:
        raise ModelError(f"{files.model}@{files.revision}: {error}") from None
    record = {"model": files.model, "revision": files.revision, "origin": origin, "files": _digests(folder)}
    atomic_write(folder / RECORD, json.dumps(record, indent=1, sort_keys=True) + "\n")


def _weights(files: Files) -> list[str]:
    """The files with the weights, safetensors if there are any. Raises ModelError if there are none."""
    for index, single in ((SAFETENSORS_INDEX, SAFETENSORS), (PICKLE_INDEX, PICKLE)):
        if index in files.names:
            try:
                shards = sorted(set(json.loads(read_input_text(files.path(index)))["weight_map"].values()))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ModelError(
                    f"{files.model}@{files.revision}: {index} is not an index of weights ({error})"
                ) from None
            suffix = Path(single).suffix
            unknown = [str(name) for name in shards if name not in files.names or Path(name).suffix != suffix]
            if unknown or not shards:
                raise ModelError(f"{files.model}@{files.revision}: {index} names {unknown[:1]}, which is missing")
            return shards
        if single in files.names:
            return [single]
    raise ModelError(f"{files.model}@{files.revision} has neither {SAFETENSORS} nor {PICKLE}")


def _take(files: Files, name: str, pinned: Mapping[str, str]) -> str:
    """Fetch a file and return its sha256. Raises ModelError if it differs from the pin."""
    found = sha256_of(files.path(name))
    if name in pinned and found != pinned[name]:
        raise ModelError(
            f"{files.model}@{files.revision}: {name} has sha256 {found}, but {pinned[name]} is pinned: the "
            "published file has changed; do not use it before someone has reviewed the change"
        )
    return found


def _check(folder: Path, model: str) -> None:
    """Raise ModelError if a fetched model differs from its record, ConfigError if it is another model."""
    record = read_record(folder)
    if record["model"] not in (model, Path(model).resolve().name):
        raise ConfigError(f"{folder} holds {record['model']}: choose another folder")
    wrong = sorted(set(record["files"].items()) ^ set(_digests(folder).items()))
    if wrong:
        raise ModelError(
            f"{folder}: {wrong[0][0]} was changed since it was fetched: remove the folder and fetch the model again"
        )


def _digests(folder: Path) -> dict[str, Any]:
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.name not in (RECORD, ".cache")}
