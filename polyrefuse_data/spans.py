"""Spans that a translation keeps as they are: placeholders, tags, addresses, code. What is left is prose."""

from __future__ import annotations

import re
from collections import Counter

SPAN = re.compile(
    r"""
    ```.*?``` | `[^`\n]+`                                                                # code
  | (?:https?://|www\.)[^\s<>"'“”«»（）)\]}]*[^\s<>"'“”«»（）)\]}.,;:!?…。，！？、]              # an address
  | (?<![\w.+-])[\w.+-]{1,64}@\w[\w-]*(?:\.\w[\w-]*)+                                   # an e-mail address
  | \[\[[^\[\]\n]{1,80}\]\] | \{\{[^{}\n]{1,80}\}\}                                       # [[X]] and {{x}}
  | \$?\{[^\W\d][\w .:!-]{0,80}\} | \{\d*\}                                            # {name}, ${name}, {0}, {}
  | %\([A-Za-z_]\w*\)[sdifgrx]                                                         # %(name)s
  | %(?:\d{1,2}\$)?[-#0+]{0,4}\d{0,3}(?:\.\d{1,3})?[sdifgrx](?!\w)                      # %s, %1$s, %.2f
  | </?[A-Za-z][^<>\n]{0,200}> | __[A-Za-z]+__ | \$[A-Z][A-Z_]+\b                       # <tag>, __NAME__, $NAME
    """,
    re.VERBOSE | re.DOTALL,
)
_MARK = re.compile(r"[`@{%<]|://|www\.|\[\[|__|\$[A-Z]")  # every span holds one of these; most prompts hold none


def spans(text: str) -> list[str]:
    """The spans of a text, in order."""
    return SPAN.findall(text) if _MARK.search(text) else []


def without_spans(text: str) -> str:
    """The text with a space in place of each span; the text itself where nothing readable would be left."""
    if not _MARK.search(text):
        return text
    prose = SPAN.sub(" ", text)
    return prose if any(map(str.isalpha, prose)) else text


def lost_spans(text: str, source: str) -> int:
    """How many spans of `source` the text does not hold, character by character."""
    return sum(max(0, count - text.count(span)) for span, count in Counter(spans(source)).items())
