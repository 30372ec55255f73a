"""What the site makes of a page can be copied from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.documents import ROOT

WIDEST = 116  # characters of code that the site shows beside its contents at 1,280 pixels
WIDEST_IN_README = 96  # and GitHub in the 830 pixels of a README
CODE = re.compile(r"^```.*?^```$|(?<=\n\n)(?: {4}[^\n]*\n+)+", re.MULTILINE | re.DOTALL)
AS_PRINTED = {"figures.md"}  # shows what commands printed

markdown = pytest.importorskip("markdown", reason="the site needs pip install -e '.[docs]'")
pytest.importorskip("pymdownx", reason="the site needs pip install -e '.[docs]'")


def test_tabs_in_a_block_stay_tabs() -> None:
    """A TSV or a program with one, copied from the site, has to work as the page says."""
    listed = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["markdown_extensions"]
    settings = {name: of for entry in listed if isinstance(entry, dict) for name, of in entry.items()}
    names = [entry if isinstance(entry, str) else next(iter(entry)) for entry in listed]
    made = markdown.markdown("```tsv\nen\tde\n```\n", extensions=names, extension_configs=settings)
    assert "en\tde" in made


@pytest.mark.parametrize(
    "page", [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"], ids=lambda page: page.stem
)
def test_no_line_of_code_is_cut(page: Path) -> None:
    if page.name in AS_PRINTED:
        return
    widest = WIDEST_IN_README if page.name == "README.md" else WIDEST
    lines = [line for block in CODE.findall(page.read_text(encoding="utf-8")) for line in block.splitlines()]
    assert [line for line in lines if len(line) > widest] == []
