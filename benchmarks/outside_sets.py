"""Public sets that nobody here wrote, as rows: good translations, judged ones, and some whose meaning was changed.

Each reader takes the folder with halves of the sets, as README.md beside them describes, and gives plain dicts of the
row schema. `part` tells the prompts that bounds may be fitted on (`fit`) from those that they are shown on (`shown`):
by the English, so that no prompt stands in both.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]

PARTS = ("all", "fit", "shown")
KINDS = (
    "shuffle_trans", "negation", "numbers_replaced", "ne_replaced", "addition", "antonym", "noun_removed"
)  # fmt: skip


def part_of(row: Row) -> str:
    """`fit` or `shown`, the same for every row of one English prompt."""
    return ("fit", "shown")[hashlib.sha256(row["text_en"].encode()).digest()[0] % 2]


def in_part(rows: Iterable[Any], part: str) -> list[Any]:
    """Those of the rows (or of the triples of `demetr`) whose prompt is of the part."""
    return [row for row in rows if part in ("all", part_of(row[1] if isinstance(row, tuple) else row))]


def multijail(folder: Path) -> Iterator[Row]:
    """Harmful prompts with translations by native speakers, without back-translations."""
    with (folder / "multijail_odd.csv").open(encoding="utf-8", newline="") as file:
        for number, line in enumerate(csv.DictReader(file)):
            for code in ("zh", "it", "ar", "ko", "th"):
                yield _row(f"multijail-{number}", code, line[code], line["en"])


def ntrex(folder: Path) -> Iterator[Row]:
    """Sentences of the news with professional translations, without back-translations."""
    for line in _lines(folder / "ntrex_600.jsonl"):
        for code in ("de", "ko", "it", "es", "zh", "th", "yo"):
            yield _row(f"ntrex-{line['line']}", code, line[code], line["en"])


def mlqe(folder: Path) -> Iterator[Row]:
    """Machine translations, with `score` as people gave it, 0 to 100."""
    for code in ("de", "zh"):
        for number, line in enumerate(_lines(folder / f"mlqe_en-{code}_odd.jsonl")):
            text = line["text"].replace(" ", "") if code == "zh" else line["text"]
            yield _row(f"mlqe-{number}", code, text, line["en"]) | {"score": line["human_score_0_100"]}


def demetr(folder: Path) -> Iterator[tuple[str, Row, Row]]:
    """(kind of error, good row, the same text as the translation of a prompt that means something else)."""
    for number, line in enumerate(_lines(folder / "demetr_dev.jsonl")):
        back = {"back_translation": line["human_en"], "back_translator": "human"}
        good, bad = (
            _row(f"demetr-{number}", line["language"], line["text"], line[name]) | back
            for name in ("mt_en", "mt_en_with_error")
        )
        yield line["kind"], good, bad


def _row(key: str, code: str, text: str, english: str) -> Row:
    return {"id": key, "language": code, "label": "harmful", "split": "test", "text": text, "text_en": english}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
