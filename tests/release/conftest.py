from __future__ import annotations

from pathlib import Path

import pytest

from polyrefuse_data.config import QualityConfig
from polyrefuse_data.quality.provenance import sealed
from polyrefuse_data.release import write_release
from polyrefuse_data.rows import prompt_id, sort_rows, table_from_rows
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace

LANGUAGES = ("de", "en", "yo")


def make_rows(n: int = 4, languages: tuple[str, ...] = LANGUAGES, **overrides):
    """`n` prompts of each label and split, one row a language; dicts, to be changed before they are written."""
    rows = []
    for split in ("train", "validation", "test"):
        for label in ("harmful", "harmless"):
            for number in range(n):
                text_en = f"{label} {split} request {number}"
                for language in languages:
                    row = {
                        "id": prompt_id("seed", text_en),
                        "language": language,
                        "label": label,
                        "split": split,
                        "text": text_en if language == "en" else f"{language}: {text_en} – ẹ̀kọ́",
                        "text_en": text_en,
                        "category": "test",
                        "source": "seed",
                        "license": "mit",
                        "origin": "original" if language == "en" else "machine",
                        "translator": "" if language == "en" else "memory:seeds@1",
                        "chrf": None if language == "en" else 61.25,
                    }
                    rows.append(row | overrides)
    return rows


def make_workspace(folder: Path, rows=None) -> Workspace:
    """A workspace whose rows bear the verdicts that they are given, as those of a check."""
    workspace = Workspace(folder)
    table = sort_rows(table_from_rows(make_rows() if rows is None else rows))
    write_table(sealed(table, QualityConfig()), workspace.rows)
    return workspace


@pytest.fixture
def workspace(tmp_path):
    return make_workspace(tmp_path / "ws")


@pytest.fixture
def release(workspace, tmp_path):
    return write_release(workspace, version="1.0.0", out=tmp_path / "rel")
