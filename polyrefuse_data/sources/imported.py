"""An import before it is written: rows, English prompts, and what was found out about each file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from polyrefuse_data import rows as schema
from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.sources.prompts import Prompt
from polyrefuse_data.system.shell import shell_word
from polyrefuse_data.text import printable
from polyrefuse_data.text.counts import counted


@dataclass(frozen=True)
class FileReport:
    """One imported file: for how many rows the English is known or unproven, and why."""

    file: str
    language: str
    label: str
    split: str
    rows: int
    matched: int
    how: str
    unproven: int = 0

    @property
    def unmatched(self) -> int:
        return self.rows - self.matched - self.unproven

    def to_text(self) -> str:
        """What is wrong with the file's rows; empty if nothing."""
        said = [f"{self.unmatched} of {counted(self.rows, 'row')} without English"] if self.unmatched else []
        if self.unproven:
            said.append(f"{self.unproven} of {self.rows} with English that cannot be proved to be theirs")
        return f"{self.file}: {', '.join(said)} ({self.how})" if said else ""


@dataclass
class Imported:
    """Rows of rows.SCHEMA as dicts, the English prompts by id, and a report per file."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    prompts: dict[str, Prompt] = field(default_factory=dict)
    files: list[FileReport] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)  # files of the folder whose names say nothing to us


@dataclass(frozen=True)
class ImportSummary:
    """The result of an import."""

    workspace: str
    settings: str  # the file there that holds what the import knows: polyrefuse.toml unless there was one already
    rows: int
    prompts: int
    languages: list[str]
    flagged: dict[str, int]  # rows by flag: unmatched, unproven, translation_failed, conflict
    license: str | None
    files: list[FileReport]
    repeats: int  # rows of the files that say what another one says, and went into it
    ignored: list[str]
    already: bool = False  # they were there, and nothing was changed
    dry_run: bool = False  # nothing was written or checked

    def to_text(self) -> str:
        """As text: one line in total, one per file with problems, and what could not be matched."""
        done = "would import " if self.dry_run else "imported "
        if self.already:
            done = "already imported, nothing changed: "
        lines = [
            f"{done}{counted(self.rows, 'row')} of {counted(self.prompts, 'English prompt')} in "
            f"{counted(len(self.languages), 'language')} ({' '.join(self.languages)}) into {self.workspace}"
        ]
        lines += [f"  flagged {flag}: {counted(count, 'row')}" for flag, count in self.flagged.items()]
        lines += [f"  {said}" for report in self.files if (said := report.to_text())]
        if any(report.unproven for report in self.files):
            lines.append(
                "  rows flagged unproven can be accepted in a review; adding the English to the files would prove them"
            )
        if self.repeats:
            lines.append(f"  {counted(self.repeats, 'duplicate row was', 'duplicate rows were')} merged")
        if self.ignored:
            lines.append(
                f"  not imported, because the file names contain no label and split: {', '.join(self.ignored)}"
            )
        if self.license:
            lines.append(f"  licence of the dataset: {self.license}")
        if self.settings != "polyrefuse.toml":
            lines.append(f"  kept the existing polyrefuse.toml; the settings of the import are in {self.settings}")
        lines.append(f"next: polyrefuse report {shell_word(self.workspace)}")
        return printable.lines(lines)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)


def imported_row(
    prompt: Prompt | Mapping[str, Any], language: str, text: str | None, flags: Iterable[str] = (), **fields: Any
) -> dict[str, Any]:
    """The row of an imported translation. Without text, it counts as a failed translation; any flag rejects it."""
    all_flags = [*flags] if text else [*flags, schema.TRANSLATION_FAILED]
    return schema.translated_row(
        prompt,
        language,
        text=text or "",
        origin="imported",
        attempts=1,
        flags=all_flags,
        status=schema.REJECTED if all_flags else schema.ACCEPTED,
        **fields,
    )


def unmatched_row(
    known: Mapping[str, Any], language: str, text: str | None, place: str, **fields: Any
) -> dict[str, Any]:
    """The row of a translation whose English is unknown: kept and flagged, with an id from the translated text.

    `known` is what is known anyway: label, split, category, source, license. An empty text gets its id from its
    position `place`, so that two of them stay two rows.
    """
    prompt = {**known, "id": schema.prompt_id(known["source"], text or place), "text": ""}
    return imported_row(prompt, language, text, [schema.UNMATCHED], **fields)


def merged(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per (id, language): the first, with what duplicates add to it (a back-translation).

    A different text for the same (id, language), or the same prompt under another label or split, is kept as a separate
    row with an id of its own, flagged as a conflict.
    """
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    places: dict[str, tuple[str, str]] = {}
    for row in rows:
        place = row["label"], row["split"]
        first = kept.get((row["id"], row["language"]), row)
        if place != places.setdefault(row["id"], place) or row["text"] != first["text"]:
            own = schema.prompt_id(row["source"], " ".join([*place, row["language"], row["text"]]))
            row = {**row, "id": own, "flags": [*row["flags"], schema.CONFLICT], "status": schema.REJECTED}
        known = kept.setdefault((row["id"], row["language"]), dict(row))
        known.update({name: value for name, value in row.items() if known.get(name) is None})
    return list(kept.values())


def english_rows(prompts: Iterable[Prompt]) -> list[dict[str, Any]]:
    """The English rows of an import: the prompts themselves, with origin "original"."""
    return [{**schema.english_row(prompt), "flags": []} for prompt in prompts]


def count_flags(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Number of rows with each flag, by name."""
    return dict(sorted(Counter(flag for row in rows for flag in row["flags"]).items()))


def languages_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The languages of the rows: English first, then by code."""
    return sorted({row["language"] for row in rows}, key=lambda code: (code != SOURCE_LANGUAGE, code))
