"""The formulas of docs/paper.md are where the page says."""

from __future__ import annotations

import importlib
import re

from tests.documents import ROOT


def test_every_formula_names_a_function_of_its_file() -> None:
    page = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
    named = re.findall(r"\| `(\w+)\.py` \| `(\w+)` \|$", page, flags=re.MULTILINE)
    assert len(named) >= 10
    for file, function in named:
        assert callable(getattr(importlib.import_module(f"polyrefuse_data.benchmark.{file}"), function))
