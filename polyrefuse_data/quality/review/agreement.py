"""How well the checks agree with reviewers, and what a review import did."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from polyrefuse_data import rows as schema
from polyrefuse_data.quality.review.decisions import Decision
from polyrefuse_data.quality.thresholds import Thresholds
from polyrefuse_data.text import printable
from polyrefuse_data.text.counts import counted

ANY = "any"  # rejected by whichever check


@dataclass
class Agreement:
    """A check's flag compared with the reviewers: rows they called bad or good, flagged or not."""

    flagged_bad: int = 0
    flagged_good: int = 0
    missed_bad: int = 0
    passed_good: int = 0

    def add(self, flagged: bool, is_bad: bool) -> None:
        """Count one reviewed row."""
        name = ("flagged_" if flagged else "missed_" if is_bad else "passed_") + ("bad" if is_bad else "good")
        setattr(self, name, getattr(self, name) + 1)

    @property
    def precision(self) -> float | None:
        """The share of flagged rows that reviewers call bad."""
        flagged = self.flagged_bad + self.flagged_good
        return self.flagged_bad / flagged if flagged else None

    @property
    def recall(self) -> float | None:
        """The share of rows called bad that the check flagged."""
        bad = self.flagged_bad + self.missed_bad
        return self.flagged_bad / bad if bad else None


def agreement(judged: Sequence[tuple[Collection[str], bool]], bounds: Thresholds) -> dict[str, Agreement]:
    """Agreement of each check, and of rejection by any, from (flags, found bad) of each reviewed row.

    The flags are those in the reviewers' file, which belong to the text that they judged.
    """
    checks = {row.flag for row in bounds.table.values()}
    rejecting = {row.flag for row in bounds.table.values() if row.rejects}
    fired = [(checks & set(flags), is_bad) for flags, is_bad in judged]
    found = {name: Agreement() for name in sorted({ANY}.union(*(flags for flags, _ in fired)))}
    for flags, is_bad in fired:
        for name, counts in found.items():
            counts.add(name in flags or (name == ANY and not flags.isdisjoint(rejecting)), is_bad)
    return found


@dataclass
class ReviewSummary:
    """The result of a review import: counts, refused rows with reasons, and agreement by check (ANY: by whichever
    check)."""

    workspace: Path
    reviewed: int = 0
    edited: int = 0
    rejected: int = 0
    accepted: int = 0
    unmarked: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)
    agreement: dict[str, Agreement] = field(default_factory=dict)

    def count(self, decision: Decision) -> None:
        """Count one decision."""
        self.unmarked += decision.outcome is None
        self.reviewed += decision.outcome is not None
        self.edited += decision.outcome == schema.EDITED
        self.rejected += decision.outcome == schema.REJECTED
        self.accepted += decision.outcome == schema.ACCEPTED

    def to_text(self) -> str:
        """As text: one line of counts, one per refused row, one per check."""
        lines = [
            f"{counted(self.reviewed, 'row')} reviewed: {self.edited} edited, {self.accepted} accepted, "
            f"{self.rejected} rejected; {self.unmarked} without a verdict, {len(self.refused)} refused"
        ]
        lines += [f"  refused {row['id']} {row['language']}: {row['reason']}" for row in self.refused]
        for name, found in sorted(self.agreement.items()):
            lines.append(f"  {name}: precision {_percent(found.precision)}, recall {_percent(found.recall)}")
        return printable.lines(lines)

    def to_json(self) -> str:
        """As JSON: the same, with precision and recall as numbers or null."""
        agreement = {
            name: asdict(found) | {"precision": found.precision, "recall": found.recall}
            for name, found in sorted(self.agreement.items())
        }
        return json.dumps(
            asdict(self) | {"workspace": str(self.workspace), "agreement": agreement}, ensure_ascii=False, indent=1
        )


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"
