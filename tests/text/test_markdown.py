"""Whatever a value holds, it renders as the text it is, wherever a template puts it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from polyrefuse_data.text import markdown
from polyrefuse_data.text.printable import printable_line
from tests.hostile import EVERY_KIND, EVERYTHING, MARKDOWN

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
TEMPLATE = """\
# {{ a }} in a heading

First {{ a }}, **{{ b }}**, {{ a | code }} and {{ b | link("https://example.com/a_(b)?c=d") }}.

- {{ a }}

| {{ a }} | {{ b }} |
|---|---|
| {{ b }} | {{ a }} |
"""
values = st.lists(st.sampled_from(MARKDOWN) | st.text(max_size=6), min_size=1, max_size=4).map("".join).map(str.strip)


def tokens_of(text: str) -> list[Token]:
    return [leaf for token in PARSER.parse(text) for leaf in (token, *(token.children or ()))]


def structure(text: str) -> list[str]:
    """The kinds of elements in order; entities and escapes are text like any other."""
    return [token.type for token in tokens_of(text) if token.type not in ("text", "text_special")]


def rendered(a: str, b: str) -> str:
    return str(markdown.template(TEMPLATE).render(a=a, b=b))


@given(values, values)
@example(EVERYTHING, EVERYTHING)
@example("*a", "b*")
@example("_a", "b_")
@example("`", "\\")
@example("1. a", "- b")
@example("> a", "+ b")
@example("===", "---")
def test_no_value_is_markup(a: str, b: str) -> None:
    for one, other in ((a or "x", b or "x"), (f"x{a}x", f"x{b}x")):
        assert structure(rendered(one, other)) == structure(rendered("x", "x"))


@pytest.mark.parametrize("value", EVERY_KIND)
def test_a_value_reads_as_it_is(value: str) -> None:
    wanted = printable_line(value).strip()
    inline = [token for token in PARSER.parse(f"a {markdown.escaped(value)}") if token.type == "inline"]
    assert "".join(token.content for token in inline[0].children or ()) == f"a {wanted}".strip()
    (span,) = [token for token in tokens_of(f"a {markdown.code(value)} b") if token.type == "code_inline"]
    assert span.content.strip() == wanted


@pytest.mark.parametrize(
    "name", ["demo-seeds", "facebook/nllb-200-distilled-600M", "CC BY-NC 4.0", "demo_seeds (v2)", "1.2.0", "-1", "61.2"]
)
def test_ordinary_names_are_written_as_they_are(name: str) -> None:
    assert markdown.escaped(name) == name


@pytest.mark.parametrize("value", ["http://127.0.0.1:9/", "WWW.example.com", "a@example.com"])
def test_nothing_becomes_a_link_by_itself(value: str) -> None:
    """GitHub's and the Hub's Markdown link addresses that stand in a text."""
    written = markdown.escaped(value)
    assert value not in written and "://" not in written and "www." not in written.lower()


@pytest.mark.parametrize("address", [None, "javascript:alert(1)", "data:text/html,x", "//example.com", ""])
def test_only_web_addresses_are_links(address: str | None) -> None:
    assert markdown.link("name", address) == "name"


@pytest.mark.parametrize("address", ["https://example.com/a)b", "https://example.com/<b>\n# x", "http://x/ 'y'"])
def test_an_address_cannot_end_its_link(address: str) -> None:
    assert structure(f"{markdown.link('name', address)} x") == structure("[name](https://example.com) x")
