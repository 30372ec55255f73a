"""Checks of a dataset as a whole, for problems that no single row shows.

Coverage, row alignment, duplicates, leakage between splits, confounds between harmful and harmless, balance. Each check
gives findings for people; none changes a row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.languages.lexicon import lexicon_for
from polyrefuse_data.quality.columns import Coded, Mask, Names, Rows, coded, names, numbers_of, readable
from polyrefuse_data.quality.confounds import confounds
from polyrefuse_data.quality.duplicates import Pair, near_duplicates
from polyrefuse_data.rows import HARMFUL, HARMLESS, SPLITS, UNMATCHED
from polyrefuse_data.sources.alignment import alignment
from polyrefuse_data.text.counts import counted
from polyrefuse_data.text.printable import printable_line

PROBLEM, NOTE = "problem", "note"
_EXAMPLES = 5
_HALF = 0.5  # of the letters in words of the prompt; of a group's rows
_MOST_ALIGNED = 100  # rows of a group that are compared with each other, each with every other one; 20 would tell

_CONFOUNDS = {
    "confound_length": "length separates harmful from harmless prompts (area under the ROC curve; `release "
    "--subset matched` pairs them)",
    "confound_punctuation": "harmful and harmless rows differ in ending with punctuation (difference of shares)",
    "confound_engine": "harmful and harmless rows come from different backends (difference of shares)",
}


@dataclass(frozen=True)
class Finding:
    """A finding that users of the dataset should know; `ids` are some of the prompts concerned."""

    check: str
    severity: str
    message: str
    count: int = 0
    language: str = ""
    ids: tuple[str, ...] = ()


def dataset_findings(table: pa.Table, files: Sequence[Mapping[str, Any]] = ()) -> list[Finding]:
    """All findings of the dataset checks on audited rows, problems first. `files` is the import.json of an import."""
    rows = _Rows(readable(table))
    files = [
        {key: printable_line(told) if isinstance(told, str) else told for key, told in file.items()} for file in files
    ]
    found = [
        *_files(files),
        *_coverage(rows),
        *_alignment(rows, told={(file["language"], file["label"], file["split"]) for file in files}),
        *_flagged(rows),
        *_repeated(rows),
        *_confounds(rows),
        *_balance(rows),
    ]
    return sorted(found, key=lambda finding: finding.severity != PROBLEM)


class _Rows:
    """The columns that the checks need, as arrays."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.id: Coded = coded(table, "id")
        self.language: Coded = coded(table, "language")
        self.label: Coded = coded(table, "label")
        self.split: Coded = coded(table, "split")
        self.flags: Names = names(table, "flags")
        self.english: Mask = self.language.is_(SOURCE_LANGUAGE)
        self.has_text: Mask = np.asarray(pc.fill_null(pc.greater(pc.binary_length(table["text"]), 0), False))
        self.has_prompt: Mask = np.asarray(pc.fill_null(pc.greater(pc.binary_length(table["text_en"]), 0), False))

    def texts(self, column: str, rows: Rows) -> list[str]:
        found: list[str] = pc.fill_null(self.table[column].take(pa.array(rows)), "").to_pylist()
        return found

    def groups(self, mask: Mask) -> dict[tuple[str, str, str], Rows]:
        """(language, label, split) -> its rows where the mask is True, sorted by that key."""
        chosen = np.flatnonzero(mask)
        shape = len(self.language.values), len(self.label.values), len(self.split.values)
        keys = np.ravel_multi_index((self.language.codes, self.label.codes, self.split.codes), shape)[chosen]
        found = {}
        for key in np.unique(keys):
            language, label, split = np.unravel_index(key, shape)
            name = self.language.values[language], self.label.values[label], self.split.values[split]
            found[name] = chosen[keys == key]
        return dict(sorted(found.items()))

    @cached_property
    def prompts(self) -> Rows:
        """One row per English prompt and split; for prompts without an English row, a translation with its English."""
        rows = np.flatnonzero(self.has_prompt)
        keys = self.split.codes[rows] * len(self.id.values) + self.id.codes[rows]
        first: Rows = np.sort(np.unique(keys, return_index=True)[1])
        return np.asarray(rows[first])


def _files(files: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Imported files without English, and those that are not parallel to any English file."""
    borrowed: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in files:
        group = f"{file['label']} {file['split']}"
        unproven = file.get("unproven", 0)  # of imports since rows are judged one by one
        lost = file["rows"] - file["matched"] - unproven
        for count, state in ((lost, "not parallel to English"), (unproven, "not shown to be parallel to English")):
            if count:
                message = f"{file['language']} {group}: {counted(count, 'row')} {state} ({file['file']}: {file['how']})"
                yield Finding("alignment", PROBLEM, message, count, file["language"])
        if file["matched"] == file["rows"] and file["how"] != "English in the file":
            borrowed[file["label"], file["split"]].append(file["language"])
    for (label, split), languages in sorted(borrowed.items()):
        yield Finding(
            "english",
            NOTE,
            f"{label} {split}: the files carry no English; it was restored row by row from an English file "
            f"({counted(len(languages), 'language')}: {' '.join(sorted(languages))})",
            len(languages),
        )


def _coverage(rows: _Rows) -> Iterator[Finding]:
    """(label, split) groups in which languages lack prompts that English has."""
    english, present = rows.groups(rows.english), rows.groups(~rows.english & ~rows.flags.mask(UNMATCHED))
    languages = sorted(set(rows.language.values) - {SOURCE_LANGUAGE})
    if not english and languages and rows.table.num_rows:
        yield Finding("coverage", PROBLEM, "no row is English: translations cannot be compared with their prompts")
    for (_, label, split), wanted_rows in english.items():
        wanted = np.unique(rows.id.codes[wanted_rows])
        lacking: dict[int, list[str]] = defaultdict(list)
        for code in languages:
            have = rows.id.codes[present.get((code, label, split), np.empty(0, np.int64))]
            if missing := int((~np.isin(wanted, have)).sum()):
                lacking[missing].append(code)
        for missing, codes in sorted(lacking.items(), reverse=True):
            state = "is missing" if missing == len(wanted) else "is incomplete"
            message = (
                f"{label} {split} in {', '.join(codes)} {state}: "
                f"{missing} of {len(wanted)} English prompts have no translation"
            )
            yield Finding("coverage", PROBLEM, message, missing * len(codes), codes[0] if len(codes) == 1 else "")


def _alignment(rows: _Rows, told: Collection[tuple[str, str, str]]) -> Iterator[Finding]:
    """Groups in which most rows fit the English of other rows better than their own.

    Rows without English are named only if no file report (`told`) has named them.
    """
    translated = ~rows.english & rows.has_text
    for key, group in rows.groups(translated & rows.has_prompt).items():
        sample = group[:: -(-len(group) // _MOST_ALIGNED)]
        found = alignment(rows.texts("text_en", sample), rows.texts("text", sample), lexicon_for(key[0]))
        refuted = int(found.refuted.sum())
        if refuted > len(sample) * _HALF:
            looked_at = counted(len(sample), "row") + ("" if len(sample) == len(group) else " looked at")
            message = f"{' '.join(key)}: {refuted} of {looked_at} do not follow their English"
            yield Finding("alignment", PROBLEM, message, len(group), key[0])
    for key, group in rows.groups(translated & ~rows.has_prompt & rows.flags.mask(UNMATCHED)).items():
        if key not in told:
            message = f"{' '.join(key)}: {counted(len(group), 'row is', 'rows are')} not parallel to any English prompt"
            yield Finding("alignment", PROBLEM, message, len(group), key[0])


def _flagged(rows: _Rows) -> Iterator[Finding]:
    """Row flags worth a finding, by language."""
    hidden = _by_language(rows, rows.flags.mask("hidden_characters"))
    if hidden:
        shown = ", ".join(f"{code} {len(found)}" for code, found in hidden.items())
        count = sum(map(len, hidden.values()))
        yield Finding("hidden_characters", NOTE, f"rows with hidden characters: {shown}", count)
    copied = (numbers_of(rows.table, "copy_ratio") > _HALF) | coded(rows.table, "detected_language").is_(
        SOURCE_LANGUAGE
    )
    reads_english = rows.flags.mask("partly_translated") | (rows.flags.mask("language_id") & copied)
    english = _by_language(rows, reads_english)
    if english:
        shown = ", ".join(f"{code} {len(found)}" for code, found in english.items())
        ids = tuple(rows.id.values[rows.id.codes[found[0]]] for found in english.values())
        count = sum(map(len, english.values()))
        yield Finding("partly_translated", PROBLEM, f"rows partly or wholly in English: {shown}", count, ids=ids)


def _by_language(rows: _Rows, mask: Mask) -> dict[str, Rows]:
    """Language -> its rows where the mask is True, most rows first."""
    found = {code: np.flatnonzero(mask & rows.language.is_(code)) for code in rows.language.values}
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return {code: own for code, own in ordered if len(own)}


def _repeated(rows: _Rows) -> Iterator[Finding]:
    """English prompts that are the same or nearly the same, within a split (duplicates) or in two splits (leakage)."""
    ids = rows.id.codes[rows.prompts]
    names = [*SPLITS, *sorted(set(rows.split.values) - set(SPLITS))]
    splits = [names.index(rows.split.values[code]) for code in rows.split.codes[rows.prompts]]
    found: dict[tuple[int, int, str], list[Pair]] = defaultdict(list)
    for kind, pairs in near_duplicates(rows.texts("text_en", rows.prompts)).items():
        for left, right in pairs:
            if ids[left] != ids[right]:  # else one prompt that stands in two splits, under one id
                first, second = sorted((splits[left], splits[right]))
                found[first, second, kind].append((left, right))
    for (first, second, kind), pairs in sorted(found.items(), key=lambda item: (item[0][0] != item[0][1], item[0])):
        some = tuple(dict.fromkeys(rows.id.values[ids[place]] for pair in pairs[:_EXAMPLES] for place in pair))
        pairs_told = f"{counted(len(pairs), 'pair')} of English prompts"
        if first == second:
            word = "the same" if kind == "exact" else "nearly the same"
            reads = "read" if len(pairs) > 1 else "reads"
            message = f"{names[first]}: {pairs_told} {reads} {word}"
            yield Finding(f"duplicates_{kind}", NOTE, message, len(pairs), SOURCE_LANGUAGE, some)
        else:
            word = "duplicates" if kind == "exact" else "near-duplicates"
            message = f"{names[first]}/{names[second]} {word}: {pairs_told}"
            yield Finding(f"leakage_{kind}", PROBLEM, message, len(pairs), SOURCE_LANGUAGE, some)


def _confounds(rows: _Rows) -> Iterator[Finding]:
    """Features other than harm that distinguish harmful from harmless rows, with the languages concerned."""
    languages = {code: rows.language.is_(code) for code in sorted(rows.language.values)}
    found = confounds(rows.table, rows.label.is_(HARMFUL), rows.label.is_(HARMLESS), languages)
    for check, values in found.items():
        if values:
            shown = ", ".join(f"{code} {value:.2f}" for code, value in values.items())
            yield Finding(check, NOTE, f"{_CONFOUNDS[check]}: {shown}", len(values))


def _balance(rows: _Rows) -> Iterator[Finding]:
    """Splits with far more prompts of one label than of the other."""
    pairs = zip(rows.split.codes[rows.prompts], rows.label.codes[rows.prompts], strict=True)
    counts = Counter((rows.split.values[split], rows.label.values[label]) for split, label in pairs)
    for split in SPLITS:
        harmful, harmless = counts[split, HARMFUL], counts[split, HARMLESS]
        if harmful + harmless and max(harmful, harmless) > 2 * min(harmful, harmless):
            yield Finding(
                "balance", NOTE, f"{split}: {harmful} harmful and {harmless} harmless prompts", harmful + harmless
            )
