"""What changed between two releases: rows by language with reasons, changed scores, changed splits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polyrefuse_data.release import layout
from polyrefuse_data.release.content import Row, Tagged, row_key, tagged_rows
from polyrefuse_data.release.fetch import local_folder
from polyrefuse_data.release.manifest import Manifest, read_manifest
from polyrefuse_data.release.schema import EXPECTED
from polyrefuse_data.release.versions import Step
from polyrefuse_data.rows import SCORES
from polyrefuse_data.text import markdown, printable
from polyrefuse_data.text.counts import counted
from polyrefuse_data.text.printable import LONGEST_LINE, printable_line

# Columns that say something about a row; all others are the row. A change in these alone is no change of the row.
ANNOTATIONS = frozenset(
    {"attempts", "back_translation", "back_translator", "detected_language", "flags", "parallel", *SCORES}
)
_EXAMPLES = 5  # ids that text and Markdown show of each list
_REASONS = 20  # that they name; any combination of flags is a reason


@dataclass(frozen=True)
class Change:
    """A row that was added, removed or changed, and why."""

    id: str
    reason: str


@dataclass
class ScoreShift:
    """How a score changed over the rows for which both releases have it."""

    rows: int = 0
    moved: int = 0
    old_sum: float = 0.0
    new_sum: float = 0.0

    def add(self, old: float, new: float) -> None:
        self.rows += 1
        self.moved += old != new
        self.old_sum += old
        self.new_sum += new

    def to_dict(self) -> dict[str, float]:
        return {
            "rows": self.rows,
            "moved": self.moved,
            "old_mean": round(self.old_sum / self.rows, 4),
            "new_mean": round(self.new_sum / self.rows, 4),
        }


@dataclass
class LanguageDiff:
    """The changes of one language."""

    added: list[Change] = field(default_factory=list)
    removed: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    annotated: int = 0  # rows whose scores, flags or `parallel` differ, the row itself being the same
    splits: Counter[str] = field(default_factory=Counter)  # "train -> test" -> rows
    scores: dict[str, ScoreShift] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        changes = {name: [vars(change) for change in getattr(self, name)] for name in ("added", "removed", "changed")}
        moved = {name: shift.to_dict() for name, shift in self.scores.items() if shift.moved}
        return changes | {"annotated": self.annotated, "splits": dict(sorted(self.splits.items())), "scores": moved}


@dataclass
class ReleaseDiff:
    """Everything that changed from `old` to `new`."""

    old: Manifest
    new: Manifest
    languages: dict[str, LanguageDiff]

    @property
    def step(self) -> Step:
        """The version step that the changes require."""
        diffs = self.languages.values()
        if any(diff.removed or diff.changed for diff in diffs):
            return "major"
        return "minor" if self.has_other_layout or any(diff.added for diff in diffs) else "patch"

    @property
    def has_other_layout(self) -> bool:
        """Whether the data files have other names and columns, which those who read them by path notice."""
        return self.old.data_layout != self.new.data_layout

    def to_dict(self) -> dict[str, Any]:
        def identity(manifest: Manifest) -> dict[str, str]:
            return {"name": manifest.name, "version": manifest.version, "content_sha256": manifest.content_sha256}

        return {
            "old": identity(self.old),
            "new": identity(self.new),
            "step": self.step,
            "data_files": {"old": self.old.data_layout, "new": self.new.data_layout},
            "languages_added": sorted(set(self.new.languages) - set(self.old.languages)),
            "languages_removed": sorted(set(self.old.languages) - set(self.new.languages)),
            "languages": {code: diff.to_dict() for code, diff in self.languages.items()},
        }

    def to_json(self) -> str:
        """Every changed row, as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1)

    def to_text(self) -> str:
        """The changes, as text."""
        return printable.lines([f"{self.old.version} -> {self.new.version}: a {self.step} step", *self.lines()])

    def to_markdown(self) -> str:
        """The changes, as a changelog entry."""
        return "\n".join(
            ("  - " if line.startswith(" ") else "- ") + markdown.escaped(line, LONGEST_LINE) for line in self.lines()
        )

    @property
    def is_empty(self) -> bool:
        """Whether both have the same rows, scores, flags and splits."""
        return not self._facts()

    def lines(self) -> list[str]:
        """One line per fact; details are indented by two spaces."""
        facts = self._facts() or ["no row, score or split changed"]
        if not self.has_other_layout:
            return facts
        columns = f"column {EXPECTED} {'added' if self.new.data_layout == layout.BY_LABEL else 'removed'}"
        return [f"data files: {self.old.data_layout} -> {self.new.data_layout}, {columns}", *facts]

    def _facts(self) -> list[str]:
        record = self.to_dict()
        lines = [
            f"languages {what}: {', '.join(record[f'languages_{what}'])}"
            for what in ("added", "removed")
            if record[f"languages_{what}"]
        ]
        for code, diff in self.languages.items():
            lines += _language_lines(code, diff)
        return lines


def diff_releases(old: str | Path, new: str | Path) -> ReleaseDiff:
    """Compare two releases, each a folder or a Hub id (`ORG/NAME@REVISION`).

    Raises ReleaseError if one is not a release.
    """
    old_folder, new_folder = local_folder(old), local_folder(new)
    return diff_folders(old_folder, read_manifest(old_folder), new_folder, read_manifest(new_folder))


def diff_folders(old_folder: Path, old: Manifest, new_folder: Path, new: Manifest) -> ReleaseDiff:
    """Compare the rows of two folders with known manifests."""
    diff = ReleaseDiff(old, new, {code: LanguageDiff() for code in sorted({*old.counts, *new.counts})})
    for before, after in _paired(_tagged(old_folder, old), _tagged(new_folder, new)):
        _compare(diff, before, after)
    return diff


def _tagged(folder: Path, manifest: Manifest) -> Iterator[Tagged]:
    data, rejected = ([folder / path for path in manifest.parquet_files(top)] for top in (layout.DATA, layout.REJECTED))
    return tagged_rows(data, rejected)


def _paired(old: Iterator[Tagged], new: Iterator[Tagged]) -> Iterator[tuple[Tagged | None, Tagged | None]]:
    """Full outer join of two streams sorted by (id, language)."""
    before, after = next(old, None), next(new, None)
    while before or after:
        if after is None or (before and row_key(before[0]) < row_key(after[0])):
            yield before, None
            before = next(old, None)
        elif before is None or row_key(after[0]) < row_key(before[0]):
            yield None, after
            after = next(new, None)
        else:
            yield before, after
            before, after = next(old, None), next(new, None)


def _compare(diff: ReleaseDiff, before: Tagged | None, after: Tagged | None) -> None:
    row = (after or before or ({}, False))[0]
    language = diff.languages[row["language"]]
    was_in, is_in = bool(before and before[1]), bool(after and after[1])
    if is_in and not was_in:
        language.added.append(Change(row["id"], _why_added(diff, before, row)))
    elif was_in and not is_in:
        language.removed.append(Change(row["id"], _why_removed(after)))
    elif before and after and is_in:
        _compare_rows(language, before[0], after[0])


def _why_added(diff: ReleaseDiff, before: Tagged | None, row: Row) -> str:
    if before:
        return f"was rejected: {_flags(before[0])}"
    return "new language" if row["language"] not in diff.old.languages else "new row"


def _why_removed(after: Tagged | None) -> str:
    return f"rejected: {_flags(after[0])}" if after else "no longer in the release"


def _flags(row: Row) -> str:
    return ", ".join(row["flags"] or ()) or row["status"]


def _compare_rows(language: LanguageDiff, old: Row, new: Row) -> None:
    different = [name for name in old if old[name] != new[name]]
    columns = [name for name in different if name not in ANNOTATIONS]
    if columns:
        language.changed.append(Change(new["id"], ", ".join(columns)))
    elif different:
        language.annotated += 1
    if "split" in different:
        language.splits[f"{old['split']} -> {new['split']}"] += 1
    for name in SCORES:
        if old[name] is not None and new[name] is not None:
            language.scores.setdefault(name, ScoreShift()).add(old[name], new[name])


def _language_lines(code: str, diff: LanguageDiff) -> list[str]:
    lines = []
    for name in ("added", "removed", "changed"):
        changes: list[Change] = getattr(diff, name)
        reasons: dict[str, list[str]] = {}
        for change in changes:
            reasons.setdefault(change.reason, []).append(change.id)
        if changes:
            lines.append(f"{code}: {counted(len(changes), 'row')} {name}")
        commonest = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
        for reason, ids in commonest[:_REASONS]:
            shown = ", ".join(map(printable_line, ids[:_EXAMPLES])) + (", ..." if len(ids) > _EXAMPLES else "")
            lines.append(f"  {len(ids)} {printable_line(reason)} ({shown})")
        if len(commonest) > _REASONS:
            lines.append(f"  {sum(len(ids) for _, ids in commonest[_REASONS:])} for other reasons")
    lines += [f"{code}: {counted(number, 'row')} moved {move}" for move, number in sorted(diff.splits.items())]
    for name, shift in diff.scores.items():
        if shift.moved:
            figures = shift.to_dict()
            lines.append(
                f"{code}: {name} moved in {shift.moved} of {counted(shift.rows, 'row')}, "
                f"mean {figures['old_mean']:g} -> {figures['new_mean']:g}"
            )
    if diff.annotated:
        lines.append(f"{code}: {counted(diff.annotated, 'row differs', 'rows differ')} in scores or flags alone")
    return lines
