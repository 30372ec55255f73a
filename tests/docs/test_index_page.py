"""The page that a package index shows has no link that leads nowhere."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from types import ModuleType

import pytest

from tests.documents import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def setup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup", ROOT / "setup.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def targets(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", text)


def test_the_readme_links_to_files_of_the_repository() -> None:
    assert "docs/index.md" in targets(README) and 'dynamic = ["readme"]' in (ROOT / "pyproject.toml").read_text()
    assert "readme" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_without_an_address_such_links_are_text_and_with_one_they_are_absolute(setup: ModuleType) -> None:
    plain = setup.for_an_index(README, "")
    assert [link for link in targets(plain) if not link.startswith("https://")] == []
    assert "![" not in plain and "own prompts, end to end" in plain
    whole = setup.for_an_index(README, "https://example.org/v1/")
    assert "https://example.org/v1/docs/index.md" in targets(whole)
    assert [link for link in targets(whole) if not link.startswith("https://")] == []
    assert len(targets(whole)) == len(targets(README))
