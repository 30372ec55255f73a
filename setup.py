"""The README as package indexes show it; everything else is in pyproject.toml.

An index has none of the repository's files, so a relative link would be dead there. With PROJECT links and pictures
become absolute; without it, links become plain text and pictures go.
"""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import setup

PROJECT = ""  # where the files can be seen, e.g. https://github.com/ORG/polyrefuse-data/blob/v0.2.0/

_LINK = re.compile(r"(!?)\[([^]]*)\]\((?!https?://|#)([^)]+)\)")


def for_an_index(readme: str, project: str = PROJECT) -> str:
    if project:
        return _LINK.sub(lambda link: f"{link[1]}[{link[2]}]({project}{link[3]})", readme)
    return _LINK.sub(lambda link: "" if link[1] else link[2], readme)


if __name__ == "__main__":
    readme = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    setup(long_description=for_an_index(readme), long_description_content_type="text/markdown")
