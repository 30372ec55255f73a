"""Puts values from files, models and servers into Markdown as text, never as markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from polyrefuse_data.text.counts import counted
from polyrefuse_data.text.printable import LONGEST_LINE, LONGEST_NAME, printable_line

if TYPE_CHECKING:
    from jinja2 import Template

# Entities where renderers disagree: a backslash before a parenthesis and a dollar begin mathematics on the Hub, and no
# HTML can begin without its bracket. What links by itself (GitHub's autolinks) is taken apart.
_ENTITIES = {"\\": "&#92;", "$": "&#36;", "<": "&lt;", "&": "&amp;"}
_MARKUP = re.compile(
    r"""
    (?P<start> ^ (?: > | [-+=] (?= [-+=\s] | $ ) | \d+ [.)] (?= \s | $ ) ) )  # list, quotation, rule
    | (?P<entity> [\\$<&] )
    | (?P<mark> [`*\[\]|~\#@] )
    | (?P<mark_at_an_end> (?<! [^\W_] ) _+ | _+ (?! [^\W_] ) )  # within a word it marks nothing
    | (?P<link> :// )
    | (?P<host> \b www \. )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_BACKTICKS = re.compile("`+")
_SAFE_IN_ADDRESS = ":/?#@!$&'*+,;=%~"  # a URL's own characters but brackets and parentheses


class Markdown(str):
    """Text that already is Markdown; a Markdown template prints it unchanged."""

    __slots__ = ()


def escaped(text: str, longest: int = LONGEST_NAME) -> Markdown:
    """One line of text that renders as itself anywhere in a line, a heading or a table cell."""
    return Markdown(_MARKUP.sub(_escape, printable_line(text, longest).strip()))


def _escape(found: re.Match[str]) -> str:
    text = found[0]
    match found.lastgroup:
        case "entity":
            return _ENTITIES[text]
        case "link":
            return r":\/\/"
        case "start":
            return f"{text[:-1]}\\{text[-1]}"
        case "host":
            return f"{text[:-1]}\\."
        case _:
            return "".join(f"\\{character}" for character in text)


def code(text: str, longest: int = LONGEST_NAME) -> Markdown:
    """One line of text as a code span. Not for table cells, which end at a pipe even in code."""
    line = printable_line(text, longest)
    fence = "`" * (max(map(len, _BACKTICKS.findall(line)), default=0) + 1)
    pad = " " if line[:1] in ("`", " ") or line[-1:] in ("`", " ") or not line else ""
    return Markdown(f"{fence}{pad}{line}{pad}{fence}")


def link(text: str, address: str | None) -> Markdown:
    """The text as a link to a web address; the text alone if there is none, or it is of another kind or too long."""
    if address is None or not address.startswith(("https://", "http://")) or len(address) > LONGEST_LINE:
        return escaped(text)
    return Markdown(f"[{escaped(text)}]({quote(address, safe=_SAFE_IN_ADDRESS)})")


def template(source: str) -> Template:
    """A jinja2 template that escapes every string that is not Markdown, with the filters `code`, `link` and
    `counted`."""
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: escaped(value) if isinstance(value, str) and not isinstance(value, Markdown) else value,
    )
    environment.filters |= {"code": code, "link": link, "counted": counted}
    return environment.from_string(source)
