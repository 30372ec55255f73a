"""For mkdocs: what of our pages and of the theme has to become something else on the site."""

from __future__ import annotations

import re
from typing import Any

from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

_NAMED_FENCE = re.compile(r"^```(\w+) (\S+)(?: (\+))?$", re.MULTILINE)

# The theme loads this from a server, for search in pages that are opened as files. Ours is the same script.
_SHIM = "https://unpkg.com/iframe-worker/shim"
_OWN_SHIM = "assets/iframe-worker.js"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The name of a file after a fence (```toml ws/polyrefuse.toml) becomes the title of the block."""
    return _NAMED_FENCE.sub(lambda found: f'```{found[1]} title="{found[2]}{", more" if found[3] else ""}"', markdown)


def on_post_page(output: str, *, page: Page, **_: Any) -> str:
    return output.replace(_SHIM, get_relative_url(_OWN_SHIM, page.url))


def on_post_template(output_content: str, **_: Any) -> str:
    return output_content.replace(_SHIM, _OWN_SHIM)
