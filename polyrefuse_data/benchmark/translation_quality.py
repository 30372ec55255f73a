"""How probable it is that a prompt's translation is good (quality/probability), told beside the replies to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from polyrefuse_data.languages import SOURCE_LANGUAGE

# Column of the audit -> what rows of completions/ call it.
_AUDITED = {
    "id": "id",
    "language": "language",
    "text": "prompt",
    "text_en": "prompt_en",
    "back_translation": "back_translation",
    "back_translator": "back_translator",
}

Row = Mapping[str, Any]


def with_p_good(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows of completions/ of one language, each with `p_good`; None in English, and where a prompt has no English.

    Scored by the built-in checks, whatever a release was built with, so that runs can be compared.
    """
    translated = [row for row in rows if row["language"] != SOURCE_LANGUAGE and row["prompt_en"]]
    found = dict(zip((row["id"] for row in translated), _scored(translated), strict=True))
    return [{**row, "p_good": found.get(row["id"])} for row in rows]


def _scored(rows: Sequence[Row]) -> list[float | None]:
    from polyrefuse_data.quality.auditing import audit_rows

    if not rows:
        return []
    table = {name: pa.array([row.get(field) for row in rows], pa.string()) for name, field in _AUDITED.items()}
    values = audit_rows(pa.table(table))[1]["p_good"].to_pylist()
    return [None if value is None or math.isnan(value) else float(value) for value in values]
