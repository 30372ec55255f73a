from __future__ import annotations

import pytest

from tests.quality.tables import ENGLISH, GERMAN, verdict


@pytest.mark.parametrize("blank", [" ", "\u3000", "\n", "\xa0"])
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_megabyte_of_white_space_around_a_letter_is_empty(blank: str, language: str) -> None:
    text = f"a{blank * 1_000_000}b"
    status, flags = verdict(text, text, language)
    assert status == "rejected"
    assert "empty" in flags


def test_a_form_typed_out_with_blanks_is_not_empty() -> None:
    form = "Füllen Sie das Formular aus. Name:" + " " * 40 + "Ort:" + " " * 40
    assert "empty" not in verdict(form, "Fill in the form. Name:" + " " * 40 + "Place:" + " " * 40)[1]
    assert "empty" not in verdict("\n" + GERMAN + "\n" * 20)[1]


def test_a_translation_without_its_english_says_so() -> None:
    assert verdict(GERMAN, None) == ("accepted", {"unpaired"})
    assert verdict(GERMAN) == ("accepted", set())
    assert "unpaired" not in verdict(ENGLISH, None, "en")[1]
    assert "unpaired" not in verdict("", None)[1]


def test_an_english_row_says_what_its_english_says() -> None:
    status, flags = verdict(ENGLISH.replace("sun", "moon"), ENGLISH, "en")
    assert (status, flags) == ("rejected", {"mismatched"})
    assert verdict(f" {ENGLISH}\n", ENGLISH, "en") == ("accepted", set())
