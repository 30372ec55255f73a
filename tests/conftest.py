"""The published rows, for tests that calibrate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data import rows as schema

UPSTREAM = Path(__file__).resolve().parents[1] / ".." / "shared" / "upstream"
TARGETS = ("ar", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "ru", "th", "yo", "zh")


@pytest.fixture(scope="session")
def published() -> list[dict[str, Any]]:
    """The published rows that align with English, as dicts of the row schema; skipped where they are not at hand."""
    folder = UPSTREAM / "PolyRefuse"
    if not folder.is_dir():
        pytest.skip("needs ../shared/upstream/PolyRefuse")
    rows: list[dict[str, Any]] = []

    def add(language: str, name: str, english: str, text: str, back: str | None = None) -> None:
        identity = {"id": schema.prompt_id(name, english), "language": language, "label": "harmless", "split": "train"}
        rows.append({**identity, "text": text, "text_en": english, "back_translation": back})

    def load(path: str) -> list[dict[str, str]]:
        loaded: list[dict[str, str]] = json.loads((UPSTREAM / path).read_text(encoding="utf-8"))
        return loaded

    for code in TARGETS:
        for name, english in (
            ("harmful_val", "harmful_val"),
            ("harmless_train", "harmless_train_200_sampled"),
            ("harmless_val", "harmless_val_200_sampled"),
        ):
            if code == "zh" and name != "harmful_val":
                continue  # published in another order than English
            translated = load(f"PolyRefuse/{name}_translated_{code}.json")
            for row, source in zip(translated, load(f"english/{english}.json"), strict=True):
                add(code, name, source["instruction"], row["instruction"])
        if code != "zh":
            for row in load(f"PolyRefuse/harmless_test_translated_{code}.json"):
                add(code, "harmless_test", row["instruction"], row["instruction_translated"])
        if code in ("de", "ko", "yo"):
            folder_name = "PolyRefuse/harmful_test_back_translated"
            for row in load(f"{folder_name}/harmful_test_back_translated_{code}.json"):
                back = row["instruction_back_translated"]
                add(code, "harmful_test", row["instruction"], row["instruction_translated"], back)
    return rows
