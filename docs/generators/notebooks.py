"""Runs the notebooks of examples/, and keeps what their cells print and show.

    python -m docs.generators.notebooks [NAME...]

Without names, all of them. The test of the notebooks runs them the same way.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbclient
import nbformat

ROOT = Path(__file__).parents[2]
NOTEBOOKS = {path.stem: path for path in sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))}
_FORMAT = 4


def as_run(path: Path, folder: Path) -> Any:
    """The notebook after its cells ran in `folder`, in a process of their own, without the Hub."""
    notebook = nbformat.read(path, as_version=_FORMAT)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    client = nbclient.NotebookClient(notebook, timeout=1800, resources={"metadata": {"path": str(folder)}})
    client.execute(env=environment)
    return notebook


def keep(path: Path) -> None:
    """Run a notebook, and write it with its outputs; without warnings, times and names of versions."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = as_run(path, Path(folder))
    notebook.metadata = nbformat.read(path, as_version=_FORMAT).metadata
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for name in sys.argv[1:] or NOTEBOOKS:
        keep(NOTEBOOKS[name])
        print(NOTEBOOKS[name].relative_to(ROOT))
