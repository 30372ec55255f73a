"""What is taken out of a text before it becomes a row, and what stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyrefuse_data.languages import find_language, language
from polyrefuse_data.text.invisible import INVISIBLE, hidden_places, without_hidden


@pytest.mark.parametrize(
    ("code", "text", "clean"),
    [
        ("de", "\ufeffDie \u200b\u200bSon\u00adne\u2060 ❤\ufe0f", "Die Sonne ❤\ufe0f"),
        ("nl", "Wat\u200b is\u3164 dit?\U000e0041", "Wat is dit?"),
        ("ar", "\u2067ال\u200bشمس\u2069\u200f \u202eنجم", "\u2067الشمس\u2069\u200f نجم"),
        ("pes_Arab", "می\u200cخواهم\u200b", "می\u200cخواهم"),
        ("th", "ดวง\u200bอาทิตย์", "ดวง\u200bอาทิตย์"),
        ("th", "อธิบายว่าดวงอาทิตย์แตกต่าง\u200bจากดาวฤกษ์ดวงอื่น", "อธิบายว่าดวงอาทิตย์แตกต่างจากดาวฤกษ์ดวงอื่น"),
    ],
)
def test_traces_go_and_spelling_stays(code: str, text: str, clean: str) -> None:
    assert without_hidden(text, language(code).orthography) == clean


@pytest.mark.parametrize("text", ["So\x07nne", "\x92", "Erkl\ufffdren", "Ã¤", "Zeile\r\nZeile\tTab", "NBSP\xa0hier"])
def test_what_may_stand_for_a_letter_is_left_for_the_checks(text: str) -> None:
    assert without_hidden(text, language("de").orthography) == text


@given(
    st.text(st.one_of(st.sampled_from("aกั به\n1😀"), st.characters(whitelist_categories=["Cf"]), st.characters())),
    st.sampled_from(["de", "ar", "th", "pes_Arab", "hi", "no such language"]),
)
def test_only_invisible_characters_go(text: str, code: str) -> None:
    known = find_language(code)
    written = known.orthography if known else None
    clean = without_hidden(text, written)
    assert INVISIBLE.sub("", clean) == INVISIBLE.sub("", text)
    assert all(INVISIBLE.fullmatch(text[place]) for place in hidden_places(text, written))
