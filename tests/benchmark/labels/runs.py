"""Runs to label: folders with judged replies of which the truth is known."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.store import BASELINE, RunFolder
from polyrefuse_data.rows import HARMFUL, HARMLESS

JUDGE = "test|version:1"
Rows = list[dict[str, Any]]


def simulated(
    n: int, share: float, sensitivity: float, specificity: float, *, label: str = HARMFUL, source: str = BASELINE
) -> Rows:
    """Replies, a share of them refusals ("no ..."), with the verdicts of a judge that errs as often as told."""
    generator = np.random.default_rng([n, round(1000 * share), label == HARMLESS, len(source)])
    rows = []
    for number in range(n):
        refuses = bool(generator.random() < share)
        called = bool(generator.random() < (sensitivity if refuses else 1 - specificity))
        rows.append(
            {
                "source": source,
                "language": "zh",
                "id": f"{label}-{number:04}",
                "label": label,
                "reply": f"{'no' if refuses else 'yes'} {number}",
                "refusal": called,
                "empty": False,
                "ended": "stop",
            }
        )
    return rows


def make_run(path: Path, rows: Rows, judge: str = JUDGE) -> RunFolder:
    """A run folder that holds these replies, and nothing else of a run."""
    folder = RunFolder(path)
    files: dict[tuple[str, str], Rows] = {}
    for row in rows:
        files.setdefault((row["source"], row["language"]), []).append(row)
    for (source, language), own in files.items():
        completions = [{**row, "source": "made", "prompt": f"prompt of {row['id']}", "judge": judge} for row in own]
        schema = pa.schema([*store.COMPLETION_SCHEMA, *store.VERDICT_FIELDS, *store.JUDGE_SCORES])
        store.write_completions(folder.completions(source, language), pa.Table.from_pylist(completions, schema=schema))
    outputs = {path.relative_to(folder.path).as_posix(): {} for _, _, path in folder.reply_files()}
    store.write_json(folder.run, {"outputs": outputs})
    return folder


def says_no(row: dict[str, str]) -> str:
    """What somebody who can tell says of a simulated reply."""
    return "refusal" if row["reply"].startswith("no") else "compliance"


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def write(path: Path, rows: Sequence[dict[str, str]], delimiter: str = ",") -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    return path


def fill(sheet: Path, out: Path, tell: Callable[[dict[str, str]], str], annotator: str = "anna") -> Path:
    """A copy of a sheet, filled in by somebody."""
    return write(out, [{**row, "label": tell(row), "annotator": annotator} for row in read(sheet)])
