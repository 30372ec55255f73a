"""Lines that people read show what a terminal would obey; JSON stays the same JSON."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polyrefuse_data.text.printable import LONGEST_LINE, LONGEST_NAME, lines, printable, printable_line
from tests.hostile import EVERYTHING, TERMINAL

# Format characters that only join letters, or mark a syllable: text in many languages has them.
HARMLESS_FORMATS = {"\u00ad", "\u200b", "\u200c", "\u200d"}
anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=60) | st.sampled_from(TERMINAL)


def obeyed(text: str) -> list[str]:
    """Characters that have a category or a direction of their own to act with."""
    return [
        character
        for character in text
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        or character in "\u200e\u200f\u061c"
    ]


@given(anything)
@example(EVERYTHING)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert set(obeyed(printable(text))) <= {"\n", "\t"}
    assert obeyed(printable(text, keep="")) == obeyed(printable_line(text)) == []
    assert printable(printable(text)) == printable(text)


@given(st.recursive(anything, lambda inner: st.lists(inner) | st.dictionaries(anything, inner), max_leaves=8))
@example([EVERYTHING, "\\\u202e"])
def test_json_stays_the_same_json(value: object) -> None:
    shown = printable(json.dumps(value, ensure_ascii=False))
    assert json.loads(shown) == value


@pytest.mark.parametrize("text", ["Grüße, ẹ̀kọ́ 日本語", "می‌خواهم", "สวัสดี\u200bครับ", "👩‍👩‍👧", "a\nb\tc"])
def test_writing_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_what_is_hidden_is_written_out() -> None:
    assert printable("\x1b[2J\r\x9b\u202e\U000e0041\ud800") == r"\u001b[2J\r\u009b\u202e\udb40\udc41\ud800"


def test_a_name_is_one_line_that_keeps_both_ends() -> None:
    name = "source\n" * 100 + "3f2a9c1b07"
    shown = printable_line(name)
    assert len(shown) == LONGEST_NAME and shown.startswith(r"source\nsource") and shown.endswith("3f2a9c1b07")


def test_no_item_of_a_list_can_pass_for_another_one() -> None:
    text = lines(["one\nrelease: verified", "y" * 10_000])
    first, second = text.split("\n")
    assert first == r"one\nrelease: verified" and len(second) == LONGEST_LINE
