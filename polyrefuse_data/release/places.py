"""Publishes a release without a Hub: into a folder of versions (a shared disk, a bucket, a repository of dvc), or as a
ZIP file with metadata for Zenodo. What is there under a version never changes, and doing it again changes nothing."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ConfigError, ReleaseError
from polyrefuse_data.release import layout
from polyrefuse_data.release.card import accepted_rows
from polyrefuse_data.release.licences import licence_identifier
from polyrefuse_data.release.manifest import Manifest, read_manifest
from polyrefuse_data.release.staging import staged_folder
from polyrefuse_data.release.verify import require_verified
from polyrefuse_data.rows import slug
from polyrefuse_data.system.files import atomic_path, make_folder, write_new
from polyrefuse_data.system.input_files import read_input, read_input_text, sha256_of
from polyrefuse_data.system.unfinished_files import part_of
from polyrefuse_data.text import printable
from polyrefuse_data.text.counts import counted

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first day of ZIP: no time of ours may be in the file
_FILE_MODE = 0o100644 << 16
_FILE_BYTES = 2**33  # held in memory while it is written
_OTHER_VERSION = "a published version never changes: release under a new version, or choose another --into"


@dataclass(frozen=True)
class Placed:
    """Where a release went. `is_new` says whether this call put it there."""

    paths: tuple[str, ...]
    version: str
    is_new: bool

    def to_text(self) -> str:
        done = "is published" if self.is_new else "is published already, with this content: nothing changed"
        return printable.lines([f"{self.version} {done}", *(f"  {path}" for path in self.paths)])

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def publish_to(place: str, folder: Path, out: Path, *, dry_run: bool = False) -> Placed:
    """Publish the release in `folder` at `out`: `folder` copies it to `out/vX.Y.Z`, `zenodo-zip` writes
    `out/NAME-X.Y.Z.zip` and, beside it, the metadata that Zenodo's deposit API takes.

    Raises ConfigError for another place; ReleaseError if the release does not verify, or `out` has that version with
    other content.
    """
    if place not in _PLACES:
        raise ConfigError(f"--to {place!r}: use hub, {', '.join(_PLACES)}")
    require_verified(folder)
    return _PLACES[place](folder, read_manifest(folder), out, dry_run)


def _copy(folder: Path, manifest: Manifest, out: Path, dry_run: bool) -> Placed:
    target = out / f"v{manifest.version}"
    is_there = target.exists()
    if is_there and _files(target) != _files(folder):
        raise ReleaseError(f"{target} holds other content: {_OTHER_VERSION}")
    if not (is_there or dry_run):
        with staged_folder(target) as staged:
            for path in layout.release_files(folder):
                (staged / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / path, staged / path)
    return Placed((str(target),), manifest.version, not is_there)


def _files(folder: Path) -> dict[str, str]:
    return {path: layout.sha256_file(folder / path) for path in layout.release_files(folder)}


def _zip(folder: Path, manifest: Manifest, out: Path, dry_run: bool) -> Placed:
    name = f"{slug(manifest.name)}-{manifest.version}"
    archive, metadata = out / f"{name}.zip", out / f"{name}.zenodo.json"
    described = json.dumps({"metadata": zenodo_metadata(manifest)}, ensure_ascii=False, indent=1) + "\n"
    is_there = archive.exists()
    if not dry_run:
        make_folder(out)
        if is_there:
            _refuse_other_archive(folder, name, archive)
        else:
            with atomic_path(archive) as part:
                write_archive(folder, name, part)
        if not metadata.exists() or read_input_text(metadata) != described:
            write_new(metadata, described, "move it away, or choose another --into")
    return Placed((str(archive), str(metadata)), manifest.version, not is_there)


def _refuse_other_archive(folder: Path, name: str, archive: Path) -> None:
    with part_of(archive) as part:
        write_archive(folder, name, part)
        if sha256_of(part) != sha256_of(archive):
            raise ReleaseError(f"{archive} holds other content: {_OTHER_VERSION}")


def write_archive(folder: Path, name: str, target: Path) -> None:
    """The release as a ZIP file with one folder `name`. The same release gives the same bytes: nothing is compressed,
    which Parquet is already, and another zlib would compress otherwise."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in layout.release_files(folder):
            entry = zipfile.ZipInfo(f"{name}/{path}", _EPOCH)
            entry.external_attr = _FILE_MODE
            archive.writestr(entry, read_input(folder / path, _FILE_BYTES))


def zenodo_metadata(manifest: Manifest) -> dict[str, Any]:
    """What Zenodo's deposit API takes, as far as the release knows it: creators are for people to add."""
    said = manifest.published
    facts = {
        "title": f"{printable.printable_line(manifest.name)} {manifest.version}",
        "upload_type": "dataset",
        "description": (
            f"{counted(accepted_rows(manifest), 'prompt')}, harmful and harmless, in "
            f"{counted(len(manifest.languages), 'language')}, for measuring refusal in language models. "
            f"Content sha256 {manifest.content_sha256}."
        ),
        "version": manifest.version,
        "license": licence_identifier(manifest.license),
        "keywords": ["safety", "refusal", "multilingual"],
        "access_right": "restricted",
        "access_conditions": "For research on the safety of language models.",
        "doi": said.doi if said else None,
        "publication_date": said.date if said else None,
        "related_identifiers": [{"identifier": said.url, "relation": "isIdenticalTo"}] if said and said.url else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


_PLACES: dict[str, Callable[[Path, Manifest, Path, bool], Placed]] = {"folder": _copy, "zenodo-zip": _zip}
