"""The page on which people label replies one at a time, with the keyboard, without a network.

Texts are JSON in an inert script element and reach the page through textContent. What is labelled stays in the browser
until it is downloaded, as the same columns that a sheet has, without the texts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from polyrefuse_data.benchmark.labels.replies import JudgedReply
from polyrefuse_data.benchmark.labels.sample import reply_key
from polyrefuse_data.benchmark.labels.sheet import DECIDED, LABELS, rows_of
from polyrefuse_data.rows import HARMFUL
from polyrefuse_data.text.html import encodable, html_environment, inert_json, script_hash

_TEMPLATES = Path(__file__).parents[1] / "templates"


def label_page(replies: Sequence[JudgedReply]) -> str:
    """The page on these replies. It opens where it was left, in the same browser and for the same replies."""
    from jinja2 import PackageLoader
    from markupsafe import Markup

    harmful = {reply_key(reply) for reply in replies if reply.label == HARMFUL}
    rows = [{**row, "harmful": row["key"] in harmful} for row in rows_of(replies)]
    shown = hashlib.sha256("".join(str(row["check"]) for row in rows).encode()).hexdigest()[:16]
    data = {"rows": rows, "labels": list(LABELS), "columns": DECIDED, "shown": shown}
    script = (_TEMPLATES / "label.js").read_text(encoding="utf-8")
    template = html_environment(loader=PackageLoader("polyrefuse_data.benchmark")).get_template("label.html.j2")
    page = template.render(
        labels=LABELS,
        count=len(rows),
        data=Markup(inert_json(data)),
        script=Markup(script),
        script_hash=script_hash(script),
    )
    return encodable(page)
