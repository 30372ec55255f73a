"""What a reviewed record means for its row: whether it can be used at all, and what it changes."""

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
    schema.UNMATCHED: "it has no English prompt, so no text can be its translation; it stays rejected",
    schema.CONFLICT: "another row holds the translation of this prompt: review that one; this one stays rejected",
}


@dataclass(frozen=True)
class Decision:
    """`outcome`: the status that the reviewer wants, None where nothing was filled in. `change`: columns to set.

    `change` is empty where the row already is as the reviewer wants it.
    """

    outcome: str | None
    change: dict[str, Any] = field(default_factory=dict)

    def found_bad(self) -> bool:
        """Whether the reviewer found the text bad as it was; an edit says so."""
        return self.outcome in (schema.REJECTED, schema.EDITED)


def seal(row: Mapping[str, str]) -> str:
    """A hash of what the row is and says; spreadsheets may change line ends, so those do not count.

    It begins with a letter, for spreadsheets rewrite what looks like a number (12345678, 12e4567).
    """
    content = json.dumps([" ".join(row[name].split()) for name in ("id", "language", "text_en", "text")])
    return "c" + hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]


def refusal(record: Mapping[str, str], row: Mapping[str, str] | None) -> str:
    """Why a reviewed record cannot be used; empty where it can. `row` is the row as it is now, with `flags` joined."""
    if row is None:
        return "no such row in this workspace"
    if row["language"] == SOURCE_LANGUAGE:
        return "an English prompt: reviewers judge translations; change the prompt in its source"
    if seal(record) != record[SEAL]:
        return "tampered: its text or English was changed in the spreadsheet; edits belong in the column `edit`"
    if seal(row) != record[SEAL] and not _is_applied(record, row):
        return "stale: the row has another text now; export it again"
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
    """What a record that is not refused wants of its row. Deciding again on the changed row changes nothing."""
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
    """The edit without what its reviewer could not see, such as the marks of the page that it was copied from."""
    known = find_language(record["language"])
    return without_hidden(record["edit"].strip().replace("\r\n", "\n"), known.orthography if known else None)


def _is_applied(record: Mapping[str, str], row: Mapping[str, str]) -> bool:
    """Whether the record's edit is the row's text already: the same file was imported before."""
    return bool(_edit(record)) and seal({**record, "text": _edit(record)}) == seal(row)


def _edited(text: str, reviewer: str) -> dict[str, Any]:
    """The row of a text that a person wrote; what was said of the text before it goes."""
    said_before: dict[str, Any] = {"back_translation": None, "back_translator": "", "flags": []}
    return {"text": text, "origin": "human", "translator": reviewer, "status": schema.EDITED, **said_before}
