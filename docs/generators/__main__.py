"""Writes every page that is made from code, and the tables that are made from figures.md."""

from __future__ import annotations

from docs.generators.pages import DOCS, PAGES

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(page(), encoding="utf-8")
        print(f"docs/{name}")
