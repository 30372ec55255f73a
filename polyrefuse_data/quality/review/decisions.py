"""What a reviewed record means for its row: whether it can be used, and what it changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from polyrefuse_data import rows as schema
from polyrefuse_data.languages import SOURCE_LANGUAGE, find_language
from polyrefuse_data.quality.review.spreadsheet import SEAL
from polyrefuse_data.text.invisible import without_hidden

GOOD, BAD = "good", "bad"
_VERDICTS = ("", GOOD, BAD)

# What no reviewer can mend, with the reason: without a prompt of its own such a row is no translation of anything.
_BEYOND_REVIEW = {
    schema.UNMATCHED: "it has no English prompt to be a translation of; it stays rejected",
    schema.CONFLICT: "another row translates this prompt: review that one; this one stays rejected",
}


@dataclass(frozen=True)
class Decision:
    """A reviewer's decision on a row.

    `outcome` is the requested status, None if nothing was filled in. `change` holds the columns to set, and is empty if
    the row already is as requested.
    """

    outcome: str | None
    change: dict[str, Any] = field(default_factory=dict)

    def found_bad(self) -> bool:
        """Whether the reviewer found the original text bad; an edit means that too."""
        return self.outcome in (schema.REJECTED, schema.EDITED)


def seal(row: Mapping[str, str]) -> str:
    """A hash of the row's identity and content, ignoring line ends, because spreadsheets may change them.

    It starts with a letter, because spreadsheets rewrite what looks like a number (12345678, 12e4567).
    """
    content = json.dumps([" ".join(row[name].split()) for name in ("id", "language", "text_en", "text")])
    return "c" + hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]


def refusal(record: Mapping[str, str], row: Mapping[str, str] | None) -> str:
    """Why a reviewed record cannot be used; empty if it can. `row` is the current row, with `flags` joined."""
    if row is None:
        return "no such row in this workspace"
    if row["language"] == SOURCE_LANGUAGE:
        return "an English prompt: reviewers judge translations; change the prompt in its source"
    if seal(record) != record[SEAL]:
        return "tampered: its text or English was changed in the spreadsheet; put edits in the column `edit`"
    if seal(row) != record[SEAL] and not _is_applied(record, row):
        return "stale: the row's text has changed since; export it again"
    verdict, edit = _verdict(record), _edit(record)
    if verdict not in _VERDICTS:
        return f"verdict {record['verdict']!r} is neither good nor bad"
    if verdict == GOOD or edit:
        for flag in row["flags"].split():
            if flag in _BEYOND_REVIEW:
                return f"{flag}: {_BEYOND_REVIEW[flag]}"
        if not (edit or row["text"].strip()):
            return "good, but the row has no text: write one in the column `edit`"
    return ""


def decide(record: Mapping[str, str], row: Mapping[str, str]) -> Decision:
    """The decision in a record that is not refused. Deciding again on the changed row changes nothing."""
    verdict, edit = _verdict(record), _edit(record)
    flags = row["flags"].split()
    if edit and edit != record["text"]:
        return Decision(schema.EDITED, {} if _is_applied(record, row) else _edited(edit, record["reviewer"].strip()))
    if verdict == BAD:
        done = schema.REJECTED_BY_REVIEW in flags
        change = {"status": schema.REJECTED, "flags": [*flags, schema.REJECTED_BY_REVIEW]}
        return Decision(schema.REJECTED, {} if done else change)
    if verdict == GOOD or edit:
        others = [flag for flag in flags if flag != schema.REJECTED_BY_REVIEW]
        change = {"status": schema.EDITED if others else schema.ACCEPTED, "flags": others}
        return Decision(schema.ACCEPTED, change if row["status"] == schema.REJECTED else {})
    return Decision(None)


def _verdict(record: Mapping[str, str]) -> str:
    return record["verdict"].strip().lower()


def _edit(record: Mapping[str, str]) -> str:
    """The edit without invisible characters, such as marks from the page it was copied from."""
    known = find_language(record["language"])
    return without_hidden(record["edit"].strip().replace("\r\n", "\n"), known.orthography if known else None)


def _is_applied(record: Mapping[str, str], row: Mapping[str, str]) -> bool:
    """Whether the record's edit already is the row's text, because the file was imported before."""
    return bool(_edit(record)) and seal({**record, "text": _edit(record)}) == seal(row)


def _edited(text: str, reviewer: str) -> dict[str, Any]:
    """The columns of a row with a text that a person wrote; what belonged to the old text is removed."""
    said_before: dict[str, Any] = {"back_translation": None, "back_translator": "", "flags": []}
    return {"text": text, "origin": "human", "translator": reviewer, "status": schema.EDITED, **said_before}
