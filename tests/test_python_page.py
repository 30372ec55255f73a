"""docs/python.md: its script runs as it stands and prints what the page shows, and the page names the public API."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import polyrefuse_data
from tests.documents import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
HEAVY = {"pyarrow", "torch", "transformers", "datasets", "openai", "pydantic"}


def block(kind: str) -> str:
    (text,) = re.findall(rf"^```{re.escape(kind)}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def run(*arguments: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_script_of_the_page_prints_what_the_page_shows(tmp_path: Path) -> None:
    (tmp_path / "make_dataset.py").write_text(block("python make_dataset.py"), encoding="utf-8")
    assert run("make_dataset.py", folder=tmp_path) == block("text")
    assert (tmp_path / "release" / "manifest.json").exists()


def test_the_public_names_are_listed_without_loading_what_is_behind_them(tmp_path: Path) -> None:
    program = "import polyrefuse_data, sys; print(*dir(polyrefuse_data)); print(*sys.modules, file=sys.stdout)"
    names, modules = run("-c", program, folder=tmp_path).splitlines()
    public = {name for name in names.split() if not name.startswith("__")}
    assert public == set(polyrefuse_data.__all__) - {"__version__"}
    assert "polyrefuse_data" in modules.split() and not HEAVY & set(modules.split())


def test_the_page_names_everything_that_the_package_lists() -> None:
    missing = [name for name in polyrefuse_data.__all__ if f"`{name}" not in PAGE and name != "__version__"]
    assert not missing
    functions = [name for name in polyrefuse_data.__all__ if name.islower() and name != "__version__"]
    assert sorted(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) == sorted(functions)
