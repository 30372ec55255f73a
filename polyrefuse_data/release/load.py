"""Loads a release and verifies that its rows are those of its manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.languages import language_codes
from polyrefuse_data.release import layout
from polyrefuse_data.release.fetch import data_patterns, local_folder
from polyrefuse_data.release.manifest import Manifest, read_manifest
from polyrefuse_data.rows import SPLITS
from polyrefuse_data.system.input_files import regular_file

if TYPE_CHECKING:
    from datasets import DatasetDict, IterableDatasetDict


@overload
def load_release(
    where: str | Path,
    *,
    revision: str | None = None,
    languages: str | Iterable[str] | None = None,
    streaming: Literal[False] = False,
) -> DatasetDict: ...


@overload
def load_release(
    where: str | Path,
    *,
    revision: str | None = None,
    languages: str | Iterable[str] | None = None,
    streaming: Literal[True],
) -> IterableDatasetDict: ...


def load_release(
    where: str | Path,
    *,
    revision: str | None = None,
    languages: str | Iterable[str] | None = None,
    streaming: bool = False,
) -> DatasetDict | IterableDatasetDict:
    """Load the accepted rows of a release as a DatasetDict with train, validation and test, over all languages or
    `languages` (codes, or a comma-separated string of codes).

    `where` is a release folder or a Hub id `ORG/NAME` (optionally `ORG/NAME@REVISION`). The columns are those in
    docs/release.md, with `label` as a ClassLabel; a split without rows is an empty dataset. Rows are read into memory
    without a datasets cache. With `streaming`, they are read on demand, in the same order, and each file is verified
    before its first row is returned: memory use stays that of a few thousand rows, however large the release.

    Raises ReleaseError if the files do not match the manifest, or a language is not in the release; MissingPrerequisite
    if the Hub denies access.
    """
    folder = local_folder(where, revision, only=data_patterns())
    manifest = read_manifest(folder)
    wanted = _wanted(languages, manifest, where)
    return _stream(folder, manifest, wanted) if streaming else _read(folder, manifest, wanted)


_STREAMED_ROWS = 1000  # read at once; a row group is larger, but read in columns of this length


def _wanted(languages: str | Iterable[str] | None, manifest: Manifest, where: str | Path) -> set[str]:
    """The languages to load. Raises ReleaseError for one that the release lacks."""
    if languages is None:
        return set(manifest.languages)
    asked = set(language_codes(languages))
    absent = sorted(asked - set(manifest.languages))
    if absent:
        raise ReleaseError(f"{where} has no {', '.join(absent)}: its languages are {', '.join(manifest.languages)}")
    return asked


def release_info(where: str | Path, revision: str | None = None) -> dict[str, Any]:
    """What a score must state about the release it was measured on.

    Keys: name, version, content_sha256, license, languages, subset, counts (as in manifest.json).
    """
    manifest = read_manifest(local_folder(where, revision, only=[layout.MANIFEST]))
    return manifest.model_dump(
        mode="json", include={"name", "version", "content_sha256", "license", "languages", "subset", "counts"}
    )


def _files_of(manifest: Manifest, split: str, languages: set[str]) -> list[str]:
    return [
        path for path, place in manifest.data_files().items() if place.split == split and place.language in languages
    ]


def _verify_file(path: Path, sha256: str) -> None:
    if layout.sha256_file(path) != sha256:
        raise ReleaseError(f"{path} is not the file in {layout.MANIFEST} (sha256 differs)")


def _stream(folder: Path, manifest: Manifest, wanted: set[str]) -> IterableDatasetDict:
    from datasets import Features, IterableDataset, IterableDatasetDict, NamedSplit

    from polyrefuse_data.release.schema import RELEASE_SCHEMA

    features = Features.from_arrow_schema(RELEASE_SCHEMA)
    splits = {}
    for split in SPLITS:
        # A list, because `datasets` deals its items to the workers of a data loader.
        files = [(str(folder / path), manifest.files[path].sha256) for path in _files_of(manifest, split, wanted)]
        splits[split] = IterableDataset.from_generator(
            _rows_of, features=features, gen_kwargs={"files": files}, split=NamedSplit(split)
        )
    return IterableDatasetDict(splits)


def _rows_of(files: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """The rows of some files, each verified before it is read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from polyrefuse_data.release.schema import with_expected

    for path, sha256 in files:
        _verify_file(Path(path), sha256)
        with pq.ParquetFile(regular_file(Path(path))) as file:
            for batch in file.iter_batches(batch_size=_STREAMED_ROWS):
                yield from with_expected(pa.Table.from_batches([batch])).to_pylist()


def _read(folder: Path, manifest: Manifest, wanted: set[str]) -> DatasetDict:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Dataset, DatasetDict, DatasetInfo, Features, NamedSplit

    from polyrefuse_data.release.content import content_sha256, merged_rows
    from polyrefuse_data.release.schema import RELEASE_SCHEMA, with_expected

    places = manifest.data_files()
    for path in places:
        _verify_file(folder / path, manifest.files[path].sha256)
    if content_sha256(merged_rows(folder / path for path in places)) != manifest.content_sha256:
        raise ReleaseError(f"{folder}: the rows are not those in {layout.MANIFEST} (content_sha256 differs)")

    features = Features.from_arrow_schema(RELEASE_SCHEMA)
    splits = {}
    for split in SPLITS:
        files = _files_of(manifest, split, wanted)
        # With our own metadata: `datasets` reads types from it, and the content hash says nothing of a file's.
        parts = [with_expected(pq.read_table(regular_file(folder / path))) for path in files]
        table = pa.concat_tables(parts) if parts else RELEASE_SCHEMA.empty_table()
        # Given, because `datasets` would else pickle the whole table to make one.
        identity = " ".join([manifest.content_sha256, split, *sorted(wanted)])
        fingerprint = hashlib.sha256(identity.encode()).hexdigest()
        info = DatasetInfo(features=features)
        splits[split] = Dataset(table, info=info, split=NamedSplit(split), fingerprint=fingerprint)
    return DatasetDict(splits)
