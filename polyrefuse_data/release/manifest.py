"""manifest.json: the description of a release, in one canonical form, sealed by its own hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release import layout
from polyrefuse_data.release.publication import Publication
from polyrefuse_data.rows import LABELS, SPLITS
from polyrefuse_data.system.input_files import read_input, reason

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FileEntry(_Record):
    """One file of the release; `rows` is null for what is not Parquet."""

    sha256: Sha256
    bytes: int
    rows: int | None = None


class SourceEntry(_Record):
    """A source of English prompts; `revision` is null for local files."""

    name: str
    license: str
    revision: str | None = None
    url: str | None = None
    prompts: int


class EngineEntry(_Record):
    """What translated or back-translated rows, and how many; with model and revision if its name contains them."""

    name: str
    engine: str
    model: str | None = None
    revision: str | None = None
    translated: int = 0
    back_translated: int = 0


class LanguageCounts(_Record):
    """Rows of one language: split -> label -> accepted rows, and rejected rows.

    `missing` is split -> label -> prompts that another language has and this one has no row for at all. A language
    without accepted rows is not a language of the release and misses nothing.
    """

    accepted: dict[str, dict[str, int]]
    rejected: int
    missing: dict[str, dict[str, int]]


def nested_counts(tally: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """(split, label) -> number, nested as split -> label -> number in canonical order, without zeros."""
    counts = {split: {label: tally.get((split, label), 0) for label in LABELS} for split in SPLITS}
    return {
        split: {label: number for label, number in labels.items() if number}
        for split, labels in counts.items()
        if any(labels.values())
    }


class Manifest(_Record):
    """The manifest: identity, counts, provenance, and every file with its sha256, bytes and rows.

    `languages` are those with accepted rows; `counts` also has those with only rejected rows. `content_sha256` hashes
    the data rows (release/content.py); `seal` hashes this manifest without the seal.
    """

    name: str
    version: str
    license: str
    subset: str | None
    languages: list[str]
    counts: dict[str, LanguageCounts]
    content_sha256: Sha256
    config_sha256: Sha256
    sources: list[SourceEntry]
    engines: list[EngineEntry]
    check_signature: str | None
    libraries: dict[str, str]
    files: dict[str, FileEntry] = Field(min_length=1)
    published: Publication | None = None
    seal: str = ""

    @model_validator(mode="after")
    def _safe_names(self) -> Manifest:
        for path in self.files:
            if not layout.is_safe(path) or path == layout.MANIFEST:
                raise ValueError(f"files: {path!r} is not a path inside a release")
        for code in (*self.languages, *self.counts):
            if not layout.is_language(code):
                raise ValueError(f"languages: {code!r} is not a BCP-47 code such as en or zh-Hant")
        return self

    def sealed(self) -> Manifest:
        """The same manifest with its `seal`."""
        return self.model_copy(update={"seal": self.expected_seal()})

    def expected_seal(self) -> str:
        content = {name: value for name, value in self._content().items() if name != "seal"}
        return hashlib.sha256(_canonical(content).encode()).hexdigest()

    def _content(self) -> dict[str, Any]:
        """What is written: as before `published` existed, where it is not said."""
        return self.model_dump(mode="json", exclude=None if self.published else {"published"})

    def to_bytes(self) -> bytes:
        """The canonical form of this manifest: sorted keys, two spaces, a newline at the end."""
        return _canonical(self._content()).encode()

    def parquet_files(self, top: str) -> list[str]:
        """Paths under `top` (data or rejected), sorted."""
        return sorted(path for path in self.files if path.startswith(f"{top}/"))

    def data_files(self) -> dict[str, layout.Place]:
        """Path -> what it holds, of every data file, sorted by path.

        Raises ReleaseError for a path that no data file has.
        """
        places: dict[str, layout.Place] = {}
        for path in self.parquet_files(layout.DATA):
            place = layout.data_place(path)
            if place is None:
                raise ReleaseError(f"{path}: a release has no such data file")
            places[path] = place
        return places

    @property
    def data_layout(self) -> str:
        """How the data files are named: layout.BY_LABEL, or BY_SPLIT in releases that 0.1.0 wrote."""
        return layout.data_layout(self.files)


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, indent=2) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a release folder.

    Raises ReleaseError if it is missing or broken, or names a path outside the folder.
    """
    path = folder / layout.MANIFEST
    try:
        return parse_manifest(read_input(path), str(path))
    except FileNotFoundError:
        raise ReleaseError(
            f"{folder} is not a release (it has no {layout.MANIFEST}): write one with `polyrefuse release WORKSPACE "
            "--version X.Y.Z --out DIR`"
        ) from None
    except OSError as error:
        raise ReleaseError(f"{path} cannot be read: {reason(error)}") from error


def parse_manifest(content: bytes, where: str) -> Manifest:
    """Parse a manifest; `where` names it in errors. Raises ReleaseError."""
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = re.sub(r"\s+", " ", ".".join(map(str, first["loc"])))
        raise ReleaseError(
            f"{where}: {key + ': ' if key else ''}{first['msg'].removeprefix('Value error, ')}"
        ) from None
