"""The review page: one HTML file that works offline and writes the same decisions as the spreadsheet.

Prompts are data in it and never markup, and its content security policy allows our own script and no network, as in the
report. What a reviewer downloads from it is the CSV of `spreadsheet`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from polyrefuse_data.quality.review.spreadsheet import COLUMNS
from polyrefuse_data.sources.sheets import FORMULA
from polyrefuse_data.text.html import encodable, html_environment, inert_json, script_hash
from polyrefuse_data.text.printable import printable_line

_ASSETS = Path(__file__).parent / "assets"
_DOWNLOADED = "reviewed.csv"


def to_page(records: Sequence[Mapping[str, str]], *, title: str) -> str:
    """Records of SHOWN and SEAL as a page to fill in."""
    environment = html_environment()
    safe = environment.filters["safe"]
    script = _asset("review.js")
    rows = [{name: record.get(name, "") for name in COLUMNS} for record in records]
    text = environment.from_string(_asset("review.html.j2")).render(
        title=printable_line(title),
        data=safe(inert_json({"columns": COLUMNS, "rows": rows, "formula": FORMULA, "name": _DOWNLOADED})),
        script=safe(script),
        script_hash=script_hash(script),
        style=safe(_asset("review.css")),
    )
    return encodable(text)


@lru_cache
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
