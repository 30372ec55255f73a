from __future__ import annotations

import pytest

from tests.quality.tables import verdict

ADDRESS = "https://en.wikipedia.org/wiki/Photosynthesis_in_plants"
CODE = "`for name in sorted(os.listdir(folder)): print(name, os.path.getsize(name))`"


@pytest.mark.parametrize("span", [ADDRESS, CODE])
@pytest.mark.parametrize(
    ("language", "text", "source"),
    [
        ("zh", "总结{}", "Summarise {}"),
        ("ja", "{}を簡単な言葉で要約してください。", "Summarise {} in simple words."),
        ("ko", "{}를 쉬운 말로 요약해 주세요.", "Summarise {} in simple words."),
        ("th", "สรุป{}ด้วยคำง่ายๆ", "Summarise {} in simple words."),
        ("de", "Öffnen Sie {}", "Open {}"),
    ],
)
def test_what_is_kept_as_it_is_counts_as_one_word(language: str, text: str, source: str, span: str) -> None:
    status, flags = verdict(text.format(span), source.format(span), language)
    assert not flags & {"length_ratio", "script"}
    assert status == "accepted"


@pytest.mark.parametrize(
    ("text", "flagged"),
    [
        ("트럼프(Trump)가 웨스트 버지니아(West Virginia)에서 집회를 열다", False),
        ("트럼프(미국의 대통령)가 웨스트 버지니아(미국의 어느 한 주)에서 집회를 열다", True),
    ],
)
def test_names_of_the_prompt_in_brackets_lengthen_no_text(text: str, flagged: bool) -> None:
    assert ("length_ratio" in verdict(text, "Trump rallies in West Virginia", "ko")[1]) == flagged


def test_a_kept_address_does_not_hide_that_the_rest_is_gone() -> None:
    source = f"Write a short summary in simple words of what this page says, for a reader of ten years: {ADDRESS}"
    assert "length_ratio" in verdict(f"Schreibe kurz: {ADDRESS}", source)[1]


def test_a_text_beyond_what_the_checks_read_is_measured_whole() -> None:
    assert "length_ratio" in verdict("Das ist ein Satz. " * 1200, "This is a sentence. " * 10_000)[1]


def test_vowel_signs_lengthen_no_text() -> None:
    source = "Write a short text about the history of Rome."
    text = "اكتب نصا قصيرا عن تاريخ روما."
    marked = "".join(f"{letter}\u064e" if letter.isalpha() else letter for letter in text)
    assert verdict(text, source, "ar")[0] == verdict(marked, source, "ar")[0] == "accepted"
