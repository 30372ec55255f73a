"""The notebooks of examples/ run from the first cell to the last, and print what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from examples.english_only_safety.experiment import Lessons, taught_folder
from examples.english_only_safety.teaching import Teaching
from tests.cases import quick

nbformat = pytest.importorskip("nbformat", reason="notebooks need pip install -e '.[docs]'")
pytest.importorskip("nbclient", reason="notebooks need pip install -e '.[docs]'")

from docs.generators.notebooks import NOTEBOOKS, as_run  # noqa: E402

TAUGHT = "python -m examples.english_only_safety.experiment --out english-only --lessons 256 --seeds 1"


def printed(notebook: Any) -> list[str]:
    """What the cells print; not progress, nor figures."""
    return [
        "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("name", quick(["own_dataset"], sorted(NOTEBOOKS.keys() - {"own_dataset"})))
def test_it_prints_what_it_shows(name: str, tmp_path: Path) -> None:
    if name == "english_only_safety" and not taught_folder(Lessons("gemma3", 256), Teaching(seed=1)).is_dir():
        pytest.skip(f"needs the taught model: {TAUGHT}")
    shown = printed(nbformat.read(NOTEBOOKS[name], as_version=4))
    assert printed(as_run(NOTEBOOKS[name], tmp_path)) == shown, f"run `python -m docs.generators.notebooks {name}`"
    assert any(shown)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_is_kept_as_it_ran_without_places_of_a_machine(name: str) -> None:
    text = NOTEBOOKS[name].read_text(encoding="utf-8")
    assert not any(place in text for place in ("/home/", "/root/", "/tmp/"))
    code = [cell for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
