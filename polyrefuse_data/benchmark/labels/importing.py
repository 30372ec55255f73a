"""Take in what people say of replies, and write the run's scores and report anew with it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.labels.calibration import calibration
from polyrefuse_data.benchmark.labels.kept import Decisions, read_decisions
from polyrefuse_data.benchmark.labels.replies import JudgedReply, judged_replies
from polyrefuse_data.benchmark.labels.sample import read_sample, reply_key
from polyrefuse_data.benchmark.labels.sheet import LABELS, is_as_shown, read_sheet, rows_of
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.locks import lock_folder
from polyrefuse_data.text import printable
from polyrefuse_data.text.counts import counted, each_counted

_NAME = re.compile(r"\w[\w .@-]{0,63}")  # stands in files, pages and spreadsheets


@dataclass
class LabelSummary:
    """What an import did, and what the labels in the run say now (`calibration` of scores.json)."""

    run: Path
    labels: dict[str, int] = field(default_factory=dict)
    unlabelled: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)
    calibration: dict[str, Any] = field(default_factory=dict)

    def to_text(self) -> str:
        """For people: counts, one line for each refused row, one for each language."""
        told = each_counted(self.labels) or "none"
        lines = [f"labels: {told}; {counted(self.unlabelled, 'row')} without one, {len(self.refused)} refused"]
        lines += [f"  refused {row['key']}: {row['reason']}" for row in self.refused]
        for row in self.calibration.get("judge", ()):
            errors = ", ".join(
                f"{name} unknown" if row[name] is None else f"{name} {row[name]:.2f}"
                for name in ("sensitivity", "specificity")
            )
            doubt = "" if row["concludes"] else " (too few labels to conclude anything)"
            lines.append(f"  {row['language']}: {counted(row['n'], 'reply', 'replies')} labelled, {errors}{doubt}")
        for row in self.calibration.get("agreement", ()):
            for pair in row["pairs"]:
                reach = f" ({pair['cohen_low']:.2f}–{pair['cohen_high']:.2f}, n = {row['n']})"
                kappa = "unknown" if math.isnan(pair["cohen"]) else f"{pair['cohen']:.2f}{reach}"
                lines.append(f"  {row['language'] or 'all'}: kappa of {' and '.join(pair['judges'])} {kappa}")
        return printable.lines(lines)

    def to_json(self) -> str:
        """For scripts: the same."""
        return store.json_text(asdict(self) | {"run": str(self.run)})


def import_labels(
    run: str | Path, file: str | Path, *, annotator: str | None = None, dry_run: bool = False
) -> LabelSummary:
    """Store the labels of a sheet or of a page's download, and rewrite scores.json and report.html; with `dry_run`,
    only say what would be stored.

    `annotator` names the person who labelled, if the file does not. Each person's labels are stored separately;
    importing the same person's again replaces them. Rows are refused if no sample of this run holds them, their reply
    has changed, or their label is invalid. Raises ConfigError if the file is not such a sheet, or does not say who
    labelled.
    """
    folder = RunFolder(Path(run))
    rows = read_sheet(Path(file))
    if annotator is not None:
        _check_name(annotator)
    store.read_json(folder.run)
    with lock_folder(folder.path):
        sample = read_sample(folder)
        replies = {reply_key(reply): reply for reply in judged_replies(folder, sample)}
        decisions = read_decisions(folder)
        summary = _take(rows, annotator, sample, replies, decisions, LabelSummary(folder.path))
        summary.calibration = calibration(folder, decisions)
        if summary.labels and not dry_run:
            from polyrefuse_data.benchmark.report import write_report

            scores = store.read_json(folder.scores)
            store.write_json(folder.label_decisions, decisions)
            store.write_json(folder.scores, {**scores, "calibration": summary.calibration})
            write_report([folder.path], folder.report)
    return summary


def _take(
    rows: list[dict[str, str]],
    annotator: str | None,
    sample: Mapping[str, Mapping[str, Any]],
    replies: Mapping[str, JudgedReply],
    decisions: Decisions,
    summary: LabelSummary,
) -> LabelSummary:
    seals = {row["key"]: row["check"] for row in rows_of(list(replies.values()))}
    drawn = {key for design in sample.values() for key in design["drawn"]}
    counts: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for row in rows:
        label = row["label"].strip().lower()
        if not label:
            summary.unlabelled += 1
            continue
        who = annotator or row["annotator"].strip()
        if not who:
            raise ConfigError("the file does not say who labelled: fill in its column annotator, or give --annotator")
        _check_name(who)
        if reason := refusal(row, label, drawn, seals) or ("twice in this file" if (who, row["key"]) in seen else ""):
            summary.refused.append({"key": row["key"], "reason": reason})
            continue
        seen.add((who, row["key"]))
        counts[label] += 1
        decisions.setdefault(who, {})[row["key"]] = label
    summary.labels = {label: counts[label] for label in LABELS if counts[label]}
    return summary


def refusal(row: Mapping[str, str], label: str, drawn: set[str], seals: Mapping[str, str]) -> str:
    """Why a labelled row cannot be used; empty if it can."""
    if row["key"] not in drawn:
        return "not in a sample of this run"
    if label not in LABELS:
        return f"label {label!r} is not one of {', '.join(LABELS)}"
    if not is_as_shown(row):
        return "tampered: its prompt or reply was changed in the file"
    if seals.get(row["key"]) != row["check"]:
        return "stale: the reply has changed since; export it again"
    return ""


def _check_name(annotator: str) -> None:
    if not _NAME.fullmatch(annotator):
        raise ConfigError(
            f"annotator {annotator!r}: use at most 64 letters, digits, spaces and . _ - @, starting with a letter "
            "or digit"
        )
