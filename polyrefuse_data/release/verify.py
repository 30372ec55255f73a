"""Verifies that a release is what its manifest says, and that the manifest is unchanged."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from polyrefuse_data.errors import ReleaseError, readable
from polyrefuse_data.release import layout
from polyrefuse_data.release.content import UNREADABLE, ContentHash, Tagged, row_key, tagged_rows
from polyrefuse_data.release.fetch import local_folder
from polyrefuse_data.release.manifest import LanguageCounts, Manifest, nested_counts, parse_manifest
from polyrefuse_data.release.partition import OUTSIDE_SUBSET
from polyrefuse_data.release.schema import EXPECTED, SCHEMAS, expected_of
from polyrefuse_data.rows import ACCEPTED, EDITED, LABELS, SPLITS
from polyrefuse_data.system.input_files import read_input, reason, regular_file
from polyrefuse_data.system.progress import tracked
from polyrefuse_data.text.counts import counted
from polyrefuse_data.text.printable import LONGEST_LINE, printable_line

_LOOKED_AT = {"id", "language", "label", "split", "status", "flags", EXPECTED}


def verify_release(where: str | Path, *, revision: str | None = None) -> list[str]:
    """Every difference between a release and its manifest, one line each, starting with the file; empty if there is
    none.

    `where` is a folder or a Hub id (`ORG/NAME`, `ORG/NAME@REVISION`). Checked: that the files are the listed ones, byte
    for byte; that the manifest is unchanged; then, from the rows alone: schema, order, unique ids, language and split
    of each file, counts, gaps, `parallel`, and content_sha256. Raises ReleaseError if there is no release.
    """
    folder = local_folder(where, revision)
    path = folder / layout.MANIFEST
    if not path.is_file():
        raise ReleaseError(f"{where} is not a release: it has no {layout.MANIFEST}")
    try:
        content = read_input(path)
    except OSError as error:
        raise ReleaseError(f"{path} cannot be read: {reason(error)}") from error
    try:
        manifest = parse_manifest(content, layout.MANIFEST)
    except ReleaseError as error:
        return [str(error)]
    differences = _manifest(content, manifest) + _files(folder, manifest)
    return [
        printable_line(readable(line), LONGEST_LINE)
        for line in differences or _tables(folder, manifest) or _rows(folder, manifest)
    ]


def require_verified(folder: Path) -> None:
    """Raise ReleaseError unless `folder` is a release that verifies."""
    if not folder.is_dir():  # a name that is no folder would be looked up on the Hub
        raise ReleaseError(f"{folder} is not a folder: give the one that `polyrefuse release` wrote")
    differences = verify_release(folder)
    if differences:
        more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
        raise ReleaseError(f"{folder} does not verify ({differences[0]}{more}): release it again, then publish")


def _manifest(content: bytes, manifest: Manifest) -> list[str]:
    if manifest.seal != manifest.expected_seal():
        return [f"{layout.MANIFEST}: changed after it was written (its seal does not match)"]
    if content != manifest.to_bytes():
        return [f"{layout.MANIFEST}: not in canonical form"]
    return []


def _files(folder: Path, manifest: Manifest) -> list[str]:
    found = set(layout.release_files(folder)) - {layout.MANIFEST}
    differences = [f"{path}: not part of this release" for path in sorted(found - set(manifest.files))]
    for path, entry in tracked(sorted(manifest.files.items()), "hash", "files", len(manifest.files)):
        if path not in found or not (folder / path).is_file():
            differences.append(f"{path}: missing")
        elif (size := (folder / path).stat().st_size) != entry.bytes:
            differences.append(f"{path}: {size} bytes, but {layout.MANIFEST} says {entry.bytes}")
        elif layout.sha256_file(folder / path) != entry.sha256:
            differences.append(f"{path}: sha256 differs from {layout.MANIFEST}")
    return differences


def _tables(folder: Path, manifest: Manifest) -> list[str]:
    """Checks of each Parquet file: its schema, its language, label and split, its order, and only rows that belong
    there."""
    data, rejected = manifest.parquet_files(layout.DATA), manifest.parquet_files(layout.REJECTED)
    differences = [
        f"{path}: a release has no such data file" for path in data + rejected if not _is_place(path, manifest)
    ]
    for path in (*data, *rejected):
        if not differences:
            differences += [f"{path}: {problem}" for problem in _table(folder / path, path, manifest)]
    return differences


def _is_place(path: str, manifest: Manifest) -> bool:
    place = layout.data_place(path)
    if place is None:
        return path in map(layout.rejected_file, manifest.counts)
    return place.language in manifest.languages and layout.data_layout([path]) == manifest.data_layout


def _table(file: Path, path: str, manifest: Manifest) -> Iterator[str]:
    try:
        schema, wanted = pq.read_schema(regular_file(file)), SCHEMAS[manifest.data_layout]
        if not schema.equals(wanted, check_metadata=False):
            yield "its columns or types are not those of a release"
            return
        if schema.metadata != wanted.metadata:  # `datasets` takes the names of the labels from there
            yield "its metadata is not that of a release"
            return
        table = pq.read_table(regular_file(file), columns=[name for name in wanted.names if name in _LOOKED_AT])
    except UNREADABLE as error:
        yield f"cannot be read as Parquet ({error})"
        return
    if table.num_rows != manifest.files[path].rows:
        yield f"{counted(table.num_rows, 'row')}, but {layout.MANIFEST} says {manifest.files[path].rows}"
    place = layout.data_place(path)
    language = place.language if place else Path(path).stem
    if set(pc.unique(table["language"]).to_pylist()) != {language}:
        yield f"holds rows of another language than {language}"
    if place and set(pc.unique(table["split"]).to_pylist()) != {place.split}:
        yield f"holds rows of another split than {place.split}"
    if place and place.label and set(pc.unique(table["label"]).to_pylist()) != {LABELS.index(place.label)}:
        yield f"holds rows of another label than {place.label}"
    if EXPECTED in table.column_names and not table[EXPECTED].equals(expected_of(table)):
        yield f"its column {EXPECTED} does not follow from label"
    for name, known in (("label", range(len(LABELS))), ("split", SPLITS)):
        strange = set(pc.unique(table[name]).to_pylist()) - set(known)
        if strange:
            yield f"column {name} holds {', '.join(sorted(map(repr, strange)))}"
    ids = table["id"].combine_chunks()
    if ids.null_count or not pc.all(pc.less(ids[:-1], ids[1:]), min_count=0).as_py():
        yield "its ids are not unique and in order"
    usable = pc.is_in(table["status"], value_set=pa.array([ACCEPTED, EDITED]))
    if place and not pc.all(usable).as_py():
        yield "holds rows that are not accepted"
    if not place:
        flags = table.filter(usable)["flags"].to_pylist()
        if any(OUTSIDE_SUBSET not in (names or ()) for names in flags):
            yield "holds accepted rows without the reason for leaving them out"


def _rows(folder: Path, manifest: Manifest) -> list[str]:
    """Checks of all rows together, in one pass: ids, counts, gaps, `parallel`, the content hash."""
    data = [folder / path for path in manifest.parquet_files(layout.DATA)]
    rejected = [folder / path for path in manifest.parquet_files(layout.REJECTED)]
    total = sum(manifest.files[path].rows or 0 for path in manifest.files)
    rows = tracked(tagged_rows(data, rejected), "verify", "rows", total)
    tally = _Tally(manifest.languages, manifest.data_layout)
    for _, prompt in itertools.groupby(rows, key=lambda tagged: tagged[0]["id"]):
        tally.add(list(prompt))
    return tally.differences(manifest)


class _Tally:
    """Counts over all rows, prompt by prompt."""

    def __init__(self, languages: list[str], data_layout: str) -> None:
        self.languages, self.is_by_label = languages, data_layout == layout.BY_LABEL
        self.content = ContentHash()
        self.accepted = {code: Counter[tuple[str, str]]() for code in languages}
        self.missing = {code: Counter[tuple[str, str]]() for code in languages}
        self.rejected = Counter[str]()
        self.problems: list[str] = []

    def add(self, prompt: list[Tagged]) -> None:
        """All rows of one prompt, sorted by language."""
        first = prompt[0][0]
        place = first["split"], first["label"]
        kept = [row for row, is_kept in prompt if is_kept]
        parallel = len(kept) == len(self.languages)
        for row in kept:
            self.content.add(row)
            self.accepted[row["language"]][place] += 1
        for row, is_kept in prompt:
            if (row["split"], row["label"]) != place:
                self._problem(row, is_kept, f"{row['id']} has another split or label in another language")
            if is_kept and row["text"] is None:
                self._problem(row, is_kept, f"{row['id']} has no text")
            if row["parallel"] != parallel:
                self._problem(
                    row, is_kept, f"{row['id']} has parallel = {row['parallel']}, but its rows say {parallel}"
                )
            if not is_kept:
                self.rejected[row["language"]] += 1
        for (one, _), (other, is_kept) in itertools.pairwise(prompt):
            if row_key(one) == row_key(other):
                self._problem(other, is_kept, f"{other['id']} occurs twice")
        if kept:
            for code in set(self.languages) - {row["language"] for row, _ in prompt}:
                self.missing[code][place] += 1

    def _problem(self, row: dict[str, str], kept: bool, what: str) -> None:
        label = row["label"] if self.is_by_label else None
        data_file = layout.data_file(row["language"], label, row["split"])
        path = data_file if kept else layout.rejected_file(row["language"])
        self.problems.append(f"{path}: {what}")

    def differences(self, manifest: Manifest) -> list[str]:
        differences = self.problems
        for code in sorted({*self.languages, *self.rejected, *manifest.counts}):
            found = LanguageCounts(
                accepted=nested_counts(self.accepted.get(code, {})),
                rejected=self.rejected[code],
                missing=nested_counts(self.missing.get(code, {})),
            )
            if found != manifest.counts.get(code):
                differences.append(f"{layout.MANIFEST}: counts of {code} differ from its rows ({found!r})")
        if self.content.hexdigest() != manifest.content_sha256:
            differences.append(f"{layout.MANIFEST}: content_sha256 differs from the rows")
        return differences
