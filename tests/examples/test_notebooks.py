"""The notebooks of examples/ run from the first cell to the last, and print what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from examples.english_only_safety.experiment import Lessons, taught_folder
from examples.english_only_safety.teaching import Teaching

nbformat = pytest.importorskip("nbformat", reason="notebooks need pip install -e '.[docs]'")
nbclient = pytest.importorskip("nbclient", reason="notebooks need pip install -e '.[docs]'")

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "examples" / "notebooks"
TAUGHT = "python -m examples.english_only_safety.experiment --out english-only --lessons 256 --seeds 1"


def printed(notebook: Any) -> list[str]:
    """What the cells print; not progress, nor figures."""
    return [
        "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_it_prints_what_it_shows(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if path.stem == "english_only_safety" and not taught_folder(Lessons("gemma3", 256), Teaching(seed=1)).is_dir():
        pytest.skip(f"needs the taught model: {TAUGHT}")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the kernel is a process of its own, in another folder
    shown = nbformat.read(path, as_version=4)
    run = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(run, timeout=1800, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert printed(run) == printed(shown)
    assert any(printed(shown))


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_it_is_kept_as_it_ran_without_places_of_a_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not any(place in text for place in ("/home/", "/root/", "/tmp/"))
    code = [cell for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
