"""What the translators did: attempts, refusals, fall-backs and repairs, by backend, category and language.

Refusals are not spread evenly over categories and languages, and dropping them would bias the dataset, so they are
counted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.quality.columns import Coded, Mask, Rows, coded, names
from polyrefuse_data.quality.report.view import View
from polyrefuse_data.rows import ACCEPTED, REJECTED, usable
from polyrefuse_data.translation.attempts import DECLINED
from polyrefuse_data.translation.chain import FAILED

# What is read of attempts.parquet.
COLUMNS = ("id", "language", "label", "category", "attempt", "translator", "outcome", "reasons", "kept")


class Tries:
    """Every attempt at every row as arrays; masks are over attempts.

    `again`: an earlier attempt at the row was not kept. Of those, `repair` follows a text that the checks rejected, and
    `fall_back` follows only attempts that gave no text. `won`: the attempt's text is in the row, and accepted.
    """

    def __init__(self, attempts: pa.Table) -> None:
        ids, languages = coded(attempts, "id").codes, coded(attempts, "language").codes
        row = ids * (int(languages.max(initial=0)) + 1) + languages
        order = np.lexsort((attempts["attempt"].to_numpy(), row))
        self.table, self.row = attempts, row
        self.translator = coded(attempts, "translator")
        self.outcome = coded(attempts, "outcome")
        self.reasons = names(attempts, "reasons")
        starts = np.diff(row[order], prepend=-1) != 0
        first = np.maximum.accumulate(np.where(starts, np.arange(len(row)), 0))
        rejected = self.outcome.is_(REJECTED)[order]
        before: Rows = np.cumsum(rejected) - rejected  # rejected texts in front of each try
        self.again: Mask = _placed(~starts, order)
        self.repair: Mask = self.again & _placed(before > before[first], order)
        self.fall_back: Mask = self.again & ~self.repair
        self.won: Mask = np.asarray(pc.fill_null(attempts["kept"], False)) & self.outcome.is_(ACCEPTED)
        self.declined: Mask = self.reasons.any_of(sorted(DECLINED)) & ~self.outcome.is_(ACCEPTED)

    def rows(self, mask: Mask) -> int:
        """Distinct rows among these attempts."""
        return len(np.unique(self.row[mask]))


def _placed(mask: Mask, order: Rows) -> Mask:
    """Convert a mask over sorted attempts to the original order."""
    placed = np.empty_like(mask)
    placed[order] = mask
    return placed


def tries_of(view: View, attempts: pa.Table | None) -> Tries:
    """The attempts in attempts.parquet; without one (an import), each translation counts as one attempt."""
    if attempts is None:
        shared = ("id", "language", "label", "category", "translator")
        part = view.table.select([*shared, "status", "flags"])
        part = part.filter(pc.fill_null(pc.not_equal(part["language"], SOURCE_LANGUAGE), True))
        columns = {name: part[name] for name in shared}
        size = part.num_rows
        outcome = pc.if_else(usable(part), ACCEPTED, REJECTED)
        told = {"attempt": pa.repeat(1, size), "outcome": outcome, "reasons": part["flags"]}
        attempts = pa.table({**columns, **told, "kept": pa.repeat(True, size)})
    return Tries(attempts)


def engines(view: View, tries: Tries) -> dict[str, dict[str, Any]]:
    """Translator -> rows with its text, how many were accepted, and the outcomes of its attempts."""
    made, accepted = _rows_by_translator(view)
    found = {}
    for name in sorted({*made, *tries.translator.values} if len(tries.row) else made):
        own = tries.translator.is_(name)
        found[name] = {
            "rows": made.get(name, 0),
            "accepted": accepted.get(name, 0),
            "tries": int(own.sum()),
            "outcomes": {outcome: int((own & tries.outcome.is_(outcome)).sum()) for outcome in _present(tries, own)},
            "declined": int((own & tries.declined).sum()),
            "failures": _failures(tries, own),
            "fall_backs": int((own & tries.fall_back).sum()),
            "won_by_fall_back": int((own & tries.fall_back & tries.won).sum()),
            "repairs": int((own & tries.repair).sum()),
            "won_by_repair": int((own & tries.repair & tries.won).sum()),
        }
    return {name: line for name, line in found.items() if name or line["tries"]}


def refusals(tries: Tries, column: str) -> dict[str, dict[str, int]]:
    """Value of `column` -> rows to translate, rows that a translator declined, rows that fell back, and how they ended.

    A row without a category counts under its label. Values with the largest share of declined rows come first.
    """
    groups = _category(tries.table) if column == "category" else coded(tries.table, column)
    found = {}
    for place, name in enumerate(groups.values):
        own = groups.codes == place
        if own.any():
            rows = tries.rows(own)
            found[name or "none"] = {
                "rows": rows,
                "tries": int(own.sum()),
                "declined": tries.rows(own & tries.declined),
                "fell_back": tries.rows(own & tries.again),
                "won_back": tries.rows(own & tries.again & tries.won),
                "lost": rows - tries.rows(own & tries.won),
            }
    return {name: found[name] for name in sorted(found, key=lambda name: (-found[name]["declined"], name))}


def _category(table: pa.Table) -> Coded:
    category = pc.fill_null(table["category"], "")
    named = pc.if_else(pc.equal(category, ""), pc.fill_null(table["label"], ""), category)
    return coded(pa.table({"category": named}), "category")


def _present(tries: Tries, own: Mask) -> list[str]:
    return sorted(tries.outcome.values[code] for code in np.unique(tries.outcome.codes[own]))


def _failures(tries: Tries, own: Mask) -> dict[str, int]:
    """Reason -> attempts that gave no text, most common first."""
    chosen = (own & tries.outcome.is_(FAILED))[tries.reasons.rows]
    counts = np.bincount(tries.reasons.codes[chosen], minlength=len(tries.reasons.names))
    found = {name: int(count) for name, count in zip(tries.reasons.names, counts, strict=True) if count}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _rows_by_translator(view: View) -> tuple[dict[str, int], dict[str, int]]:
    """Translations by translator: all, and those not rejected."""
    translator = coded(view.table, "translator")
    translated = ~view.language.is_(SOURCE_LANGUAGE)
    kept = translated & ~view.status.is_(REJECTED)
    made, accepted = (
        np.bincount(translator.codes[mask], minlength=len(translator.values)) for mask in (translated, kept)
    )
    named = [place for place, name in enumerate(translator.values) if name and made[place]]
    return (
        {translator.values[place]: int(made[place]) for place in named},
        {translator.values[place]: int(accepted[place]) for place in named},
    )
