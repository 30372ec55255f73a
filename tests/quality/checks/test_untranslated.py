"""untranslated and partly_translated: English left in a text, told from the names and terms that translators keep."""

from __future__ import annotations

import time

import pytest

from polyrefuse_data.quality.checks.partly_translated import english_runs
from polyrefuse_data.quality.checks.untranslated import copy_ratio
from polyrefuse_data.quality.kept import without_kept
from tests.quality.tables import verdict

FLAGS = {"untranslated", "partly_translated", "language_id", "mixed_languages"}


def test_copying_is_counted_in_letters() -> None:
    assert copy_ratio(["python", "ist", "gut"], ["python", "is", "good"]) == pytest.approx(6 / 12)
    run, phrase = english_runs(["schreibe", "about", "the", "sea"], ["write", "about", "the", "sea"], {"about"})
    assert run == phrase == pytest.approx(11 / 16)
    assert english_runs(["schreibe", "sea"], ["write", "about", "the", "sea"], {"about"}) == (1.5 / 16, 0.0)


@pytest.mark.parametrize(
    ("text", "source", "target", "prompt"),
    [
        ("Titel: The Lost Cat", 'Write "The Lost Cat" here', ["titel"], ["write", "here"]),
        ("Besuche New York City", "Visit New York City", ["besuche"], ["visit"]),
        ("Nutze for-loops und Python", "Use for-loops and Python", ["nutze", "und"], ["use", "and"]),
        ("Cos'è il machine learning?", "What is machine learning?", ["cos'è", "il"], ["what", "is"]),
        ("Test für get_user_by_id()", "Test for get_user_by_id()", ["test", "für"], ["test", "for"]),
        ("调用getUserById函数", "Call getUserById here", ["调用", "函数"], ["call", "here"]),
        ("Rezept für crème brûlée", "Recipe for crème brûlée", ["rezept", "für"], ["recipe", "for"]),
        ("Das Internet of Things", "The internet of things", ["das"], ["the"]),  # the translator took it for a name
        ("Write An Essay About Sea Birds", "Write an essay", ["write", "an", "essay", "about", "sea", "birds"],
         ["write", "an", "essay"]),  # a title: nothing tells its names
    ],
)  # fmt: skip
def test_what_a_translation_keeps_is_taken_out_of_both(
    text: str, source: str, target: list[str], prompt: list[str]
) -> None:
    assert without_kept(text, source) == (target, prompt)


@pytest.mark.parametrize(
    ("language", "text", "source"),
    [
        ("de", "Fasse The Great Gatsby zusammen.", "Summarize The Great Gatsby."),
        ("ja", "Game of Thronesのあらすじを教えてください。", "Tell me the plot of Game of Thrones."),
        ("fr", "Résume un article du Wall Street Journal.", "Summarize an article from the Wall Street Journal."),
        ("it", "Cos'è il machine learning?", "What is machine learning?"),
        ("ru", "Сравни Python, Java и C++.", "Compare Python, Java and C++."),
        ("it", "Chi era Barack Obama?", "Who was Barack Obama?"),
        ("pl", "Zaplanuj weekend nad morzem.", "Plan a weekend at the sea."),
        ("ar", "لخص قصة The Great Gatsby.", "Summarize The Great Gatsby."),
        ("th", "สรุปเรื่อง Game of Thrones", "Summarize Game of Thrones."),
        ("pl", "Stwórz kolekcję na Fashion Week.", "Create a collection for a fashion week."),
    ],
)
def test_names_titles_and_loans_are_no_rest_of_english(language: str, text: str, source: str) -> None:
    assert not verdict(text, source, language)[1] & FLAGS


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "Describe the life of een beroemde schilder uit de zeventiende eeuw."),
        ("nl", "Beschrijf het leven of a famous painter of the seventeenth century."),
        ("nl", "Beschrijf life of a famous painter uit de zeventiende eeuw."),
        ("th", "Describe the life of จิตรกรที่มีชื่อเสียงในศตวรรษที่สิบเจ็ด"),
        ("th", "อธิบายชีวิตของ a famous painter of the seventeenth century"),
        ("th", "อธิบายชีวิตของ famous painter of ในศตวรรษที่สิบเจ็ด"),
    ],
)
def test_english_at_either_end_or_in_the_middle_rejects(language: str, text: str) -> None:
    source = "Describe the life of a famous painter of the seventeenth century."
    assert "partly_translated" in verdict(text, source, language)[1]


def test_a_quotation_kept_in_part_is_english() -> None:
    source = 'Translate: "My friend has two cats and they sleep all day."'
    kept = 'Traduce: "My friend has two cats and they sleep all day."'
    assert "partly_translated" not in verdict(kept, source, "es")[1]
    assert "partly_translated" in verdict('Traduce: "Mi amigo has two cats and they sleep all day."', source, "es")[1]


@pytest.mark.parametrize("unit", ["de la ", "a ", "1 ", "<a ", "'a ", "Aa ", "Aa of "])
def test_a_megabyte_of_the_same_words_on_both_sides_takes_no_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    verdict(text, text, "es")
    assert time.process_time() - started < 5
