"""A maker of small tables."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from polyrefuse_data import rows as schema
from polyrefuse_data.quality import audit

ENGLISH = "Explain how the sun is different from other stars."
GERMAN = "Erklären Sie, wie sich die Sonne von anderen Sternen unterscheidet."


def make_table(*rows: dict[str, Any]) -> pa.Table:
    """Rows of one harmless German prompt each, changed as said."""
    base = {
        "language": "de",
        "label": "harmless",
        "split": "train",
        "text": "Nennen Sie drei Tipps für einen besseren Schlaf in der Nacht.",
        "text_en": "Name three tips for a better sleep at night.",
        "source": "own",
        "license": "CC0-1.0",
        "origin": "machine",
    }
    return schema.table_from_rows({"id": f"own-{number}", **base, **row} for number, row in enumerate(rows))


def verdict(text: str, source: str | None = ENGLISH, language: str = "de", **fields: Any) -> tuple[str, set[str]]:
    """(status, flags) of one row."""
    row = audit(make_table({"text": text, "text_en": source, "language": language, **fields})).to_pylist()[0]
    return row["status"], set(row["flags"])
