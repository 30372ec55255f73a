"""Checks of a dataset as a whole: what no row shows by itself.

Coverage, row alignment, duplicates, leakage between splits, confounds between harmful and harmless, balance. Each check
gives findings for people; none changes a row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.quality.duplicates import near_duplicates
from polyrefuse_data.rows import HARMFUL, HARMLESS, UNMATCHED
from polyrefuse_data.sources.alignment import alignment

PROBLEM, NOTE = "problem", "note"
_EXAMPLES = 5
_HALF = 0.5  # share of the letters in words of the prompt
_COLUMNS = [
    "id",
    "language",
    "label",
    "split",
    "text",
    "text_en",
    "flags",
    "translator",
    "copy_ratio",
    "detected_language",
]

# Area under the ROC curve at which a feature tells harmful from harmless well enough to be learnt instead of harm:
# Cohen's "large" effect (d = 0.8) is an area of 0.71.
_CONFOUND_AUC = 0.71
_CONFOUND_SHARE = 0.25  # the same for a yes-or-no feature: difference of its shares
_ENDINGS = frozenset(".?!。？！؟…।")
_LEAST_ALIGNED = 30  # rows below which alignment can be neither shown nor refuted
# Standard deviations above chance: shifted and shuffled files stay at 1.7, aligned ones of thirty rows reach 2.4.
_CHANCE = 2.0


@dataclass(frozen=True)
class Finding:
    """Something true of the dataset that its user should know; `ids` are some of the prompts it is true of."""

    check: str
    severity: str
    message: str
    count: int = 0
    language: str = ""
    ids: tuple[str, ...] = ()


def dataset_findings(table: pa.Table, files: Sequence[Mapping[str, Any]] = ()) -> list[Finding]:
    """Everything the dataset checks find in audited rows, problems first; `files` is import.json of an import."""
    rows = [_plain(row) for row in table.select(_COLUMNS).to_pylist()]
    found = [
        *_files(files),
        *_coverage(rows),
        *_alignment(rows, told={(file["language"], file["label"], file["split"]) for file in files}),
        *_flagged(rows),
        *_duplicates(rows),
        *_leakage(rows),
        *_confounds(rows),
        *_balance(rows),
    ]
    return sorted(found, key=lambda finding: finding.severity != PROBLEM)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: "" if value is None else value for name, value in row.items()} | {"flags": row["flags"] or []}


def _files(files: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Files of an import that carry no English, and those that run in parallel with none."""
    borrowed: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in files:
        group = f"{file['label']} {file['split']}"
        if file["matched"] < file["rows"]:
            yield Finding(
                "alignment",
                PROBLEM,
                f"{file['language']} {group}: not parallel to English ({file['file']}: {file['how']})",
                file["rows"] - file["matched"],
                file["language"],
            )
        elif file["how"] != "English in the file":
            borrowed[file["label"], file["split"]].append(file["language"])
    for (label, split), languages in sorted(borrowed.items()):
        yield Finding(
            "english",
            NOTE,
            f"{label} {split}: the files carry no English; it was restored row by row from an English file "
            f"({len(languages)} languages: {' '.join(sorted(languages))})",
            len(languages),
        )


def _coverage(rows: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """(label, split) of which languages lack prompts that English has."""
    english: dict[tuple[str, str], set[str]] = defaultdict(set)
    present: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in rows:
        if row["language"] == SOURCE_LANGUAGE:
            english[row["label"], row["split"]].add(row["id"])
        elif UNMATCHED not in row["flags"]:
            present[row["language"], row["label"], row["split"]].add(row["id"])
    languages = sorted({row["language"] for row in rows} - {SOURCE_LANGUAGE})
    if not english and languages:
        yield Finding("coverage", PROBLEM, "no row is English: translations cannot be compared with their prompts")
    for (label, split), wanted in sorted(english.items()):
        lacking: dict[int, list[str]] = defaultdict(list)
        for code in languages:
            if missing := len(wanted - present[code, label, split]):
                lacking[missing].append(code)
        for missing, codes in sorted(lacking.items(), reverse=True):
            state = "is missing" if missing == len(wanted) else "is incomplete"
            message = (
                f"{label} {split} in {', '.join(codes)} {state}: "
                f"{missing} of {len(wanted)} English prompts have no translation"
            )
            yield Finding("coverage", PROBLEM, message, missing * len(codes), codes[0] if len(codes) == 1 else "")


def _alignment(rows: Sequence[dict[str, Any]], told: Collection[tuple[str, str, str]]) -> Iterator[Finding]:
    """Groups of rows whose lengths, numbers and names do not follow the English they are paired with.

    Rows without English are named only where no file report (`told`) has named them.
    """
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    unmatched: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        key = (row["language"], row["label"], row["split"])
        if row["language"] == SOURCE_LANGUAGE or not row["text"]:
            continue
        if row["text_en"]:
            groups[key].append(row)
        elif UNMATCHED in row["flags"] and key not in told:
            unmatched[key] += 1
    for key, group in sorted(groups.items()):
        if len(group) < _LEAST_ALIGNED:
            continue
        proof = alignment([row["text_en"] for row in group], [row["text"] for row in group])
        if proof.file < _CHANCE:
            message = f"{' '.join(key)}: rows do not follow their English ({proof.file:.1f} sd above chance)"
            yield Finding("alignment", PROBLEM, message, len(group), key[0])
    for key, count in sorted(unmatched.items()):
        yield Finding(
            "alignment", PROBLEM, f"{' '.join(key)}: {count} rows are not parallel to any English prompt", count, key[0]
        )


def _flagged(rows: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Row flags that are worth a line of their own, by language."""
    hidden: Counter[str] = Counter()
    english: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if "hidden_characters" in row["flags"]:
            hidden[row["language"]] += 1
        copied = (row["copy_ratio"] or 0) > _HALF or row["detected_language"] == SOURCE_LANGUAGE
        reads_english = "language_id" in row["flags"] and copied
        if reads_english or "partly_translated" in row["flags"]:
            english[row["language"]].append(row["id"])
    if hidden:
        shown = ", ".join(f"{code} {count}" for code, count in hidden.most_common())
        yield Finding("hidden_characters", NOTE, f"rows with hidden characters: {shown}", sum(hidden.values()))
    if english:
        counts = sorted(((len(ids), code) for code, ids in english.items()), key=lambda item: (-item[0], item[1]))
        shown = ", ".join(f"{code} {count}" for count, code in counts)
        ids = tuple(id for _, code in counts for id in english[code][:1])
        total = sum(count for count, _ in counts)
        yield Finding("partly_translated", PROBLEM, f"rows partly or wholly in English: {shown}", total, ids=ids)


def _duplicates(rows: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """English prompts that come twice within a split, word for word or nearly."""
    for split, prompts in sorted(_english_by_split(rows).items()):
        for kind, pairs in near_duplicates(prompts).items():
            if pairs:
                word = "the same" if kind == "exact" else "nearly the same"
                ids = tuple(dict.fromkeys(id for pair in pairs[:_EXAMPLES] for id in pair))
                message = f"{split}: {len(pairs)} pairs of English prompts read {word}"
                yield Finding(f"duplicates_{kind}", NOTE, message, len(pairs), SOURCE_LANGUAGE, ids)


def _leakage(rows: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """English prompts of one split that stand in another, word for word or nearly."""
    splits = _english_by_split(rows)
    names = [name for name in ("train", "validation", "test") if name in splits]
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            for kind, pairs in near_duplicates(splits[first], splits[second]).items():
                if pairs:
                    word = "duplicates" if kind == "exact" else "near-duplicates"
                    ids = tuple(dict.fromkeys(id for pair in pairs[:_EXAMPLES] for id in pair))
                    message = f"{first}/{second} {word}: {len(pairs)} pairs of English prompts"
                    yield Finding(f"leakage_{kind}", PROBLEM, message, len(pairs), SOURCE_LANGUAGE, ids)


def _english_by_split(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """split -> id -> English text; the English of a translation where no row is English."""
    splits: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row["text_en"]:
            splits[row["split"]][row["id"]] = row["text_en"]
    return splits


def _confounds(rows: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Features other than harm that tell harmful rows from harmless ones, with the languages where they do."""
    sides: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: {HARMFUL: [], HARMLESS: []})
    for row in rows:
        if row["text"] and row["label"] in (HARMFUL, HARMLESS):
            sides[row["language"]][row["label"]].append(row)
    both = {code: labels for code, labels in sorted(sides.items()) if labels[HARMFUL] and labels[HARMLESS]}
    for check, measure, limit, words in _CONFOUNDS:
        found = {code: measure(labels[HARMFUL], labels[HARMLESS]) for code, labels in both.items()}
        beyond = {code: value for code, value in found.items() if value >= limit}
        if beyond:
            shown = ", ".join(f"{code} {value:.2f}" for code, value in beyond.items())
            yield Finding(check, NOTE, f"{words}: {shown}", len(beyond))


def length_auc(harmful: Sequence[dict[str, Any]], harmless: Sequence[dict[str, Any]]) -> float:
    """How well length in characters tells the two apart, whichever is longer: area under the ROC curve, 0.5 to 1."""
    area = auc([len(row["text"]) for row in harmful], [len(row["text"]) for row in harmless])
    return max(area, 1 - area)


def punctuation_gap(harmful: Sequence[dict[str, Any]], harmless: Sequence[dict[str, Any]]) -> float:
    """Difference of the shares of rows that end in punctuation, 0 to 1."""
    left, right = (np.mean([row["text"].rstrip()[-1:] in _ENDINGS for row in side]) for side in (harmful, harmless))
    return float(abs(left - right))


def engine_gap(harmful: Sequence[dict[str, Any]], harmless: Sequence[dict[str, Any]]) -> float:
    """Largest difference of an engine's shares of the two sides, 0 to 1."""
    left, right = (Counter(row["translator"] for row in side) for side in (harmful, harmless))
    return max(abs(left[name] / len(harmful) - right[name] / len(harmless)) for name in set(left) | set(right))


_CONFOUNDS = (
    (
        "confound_length",
        length_auc,
        _CONFOUND_AUC,
        "length tells harmful from harmless (area under the ROC curve; `release --subset matched` pairs them)",
    ),
    (
        "confound_punctuation",
        punctuation_gap,
        _CONFOUND_SHARE,
        "harmful and harmless rows differ in ending with punctuation (difference of shares)",
    ),
    (
        "confound_engine",
        engine_gap,
        _CONFOUND_SHARE,
        "harmful and harmless rows come from different engines (difference of shares)",
    ),
)


def auc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Probability that a positive is larger than a negative, ties counting half."""
    ordered = np.sort(np.asarray(negatives))
    values = np.asarray(positives)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return float(below.mean() / 2 / len(ordered))


def _balance(rows: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Splits that hold far more of one label than of the other, in English."""
    counts: Counter[tuple[str, str]] = Counter()
    seen: set[str] = set()
    for row in rows:
        if row["id"] not in seen and row["text_en"]:
            seen.add(row["id"])
            counts[row["split"], row["label"]] += 1
    for split in ("train", "validation", "test"):
        harmful, harmless = counts[split, HARMFUL], counts[split, HARMLESS]
        if harmful + harmless and max(harmful, harmless) > 2 * min(harmful, harmless):
            yield Finding(
                "balance", NOTE, f"{split}: {harmful} harmful and {harmless} harmless prompts", harmful + harmless
            )
