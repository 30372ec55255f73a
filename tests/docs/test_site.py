"""What the site makes of a page can be copied from it."""

from __future__ import annotations

import pytest
import yaml

from tests.documents import ROOT

markdown = pytest.importorskip("markdown", reason="the site needs pip install -e '.[docs]'")
pytest.importorskip("pymdownx", reason="the site needs pip install -e '.[docs]'")


def test_tabs_in_a_block_stay_tabs() -> None:
    """A TSV or a program with one, copied from the site, has to work as the page says."""
    listed = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["markdown_extensions"]
    settings = {name: of for entry in listed if isinstance(entry, dict) for name, of in entry.items()}
    names = [entry if isinstance(entry, str) else next(iter(entry)) for entry in listed]
    made = markdown.markdown("```tsv\nen\tde\n```\n", extensions=names, extension_configs=settings)
    assert "en\tde" in made
