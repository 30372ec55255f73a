"""Numbers: read in every language, said in every way that good translations know, missed where they are not there.

The cases stand in tests/quality/numbers, by language: read.tsv (text, value), said.tsv (prompt, good translation),
lost.tsv (prompt, translation that lost a number), no_numbers.tsv (words that only look like numbers).
"""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path

import pytest

from polyrefuse_data.languages import TARGET_LANGUAGES, find_language
from polyrefuse_data.quality import numbers
from polyrefuse_data.quality.checks.preserved import lost
from polyrefuse_data.quality.numbers import reading
from polyrefuse_data.quality.numbers.symbols import changed_units


def lost_numbers(text: str, source: str, code: str) -> int:
    return numbers.lost_numbers(text, source, find_language(code))


def read_numbers(text: str, code: str) -> list[reading.Said]:
    return reading.read_numbers(text, find_language(code))


def cases(name: str, language: str) -> list[list[str]]:
    with (Path(__file__).parent / "numbers" / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return [rest for code, *rest in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if code == language]


@pytest.mark.parametrize("language", ["en", *TARGET_LANGUAGES])
def test_numbers_are_read(language: str) -> None:
    for text, value in cases("read", language):
        first = read_numbers(text, language)[0]
        assert float(value) in map(float, first.readings), (text, first)


@pytest.mark.parametrize("language", TARGET_LANGUAGES)
def test_a_good_translation_may_say_numbers_in_its_own_way(language: str) -> None:
    wrong = [(source, text) for source, text in cases("said", language) if lost_numbers(text, source, language)]
    assert not wrong


@pytest.mark.parametrize("language", TARGET_LANGUAGES)
def test_a_dropped_or_changed_number_is_found(language: str) -> None:
    bad = [
        (source, text[: found.start()] + new + text[found.end() :])
        for source, text in cases("said", language)
        for found in re.finditer(r"\d[\d.,/:']*\d|\d", text)
        for new in ("", "77")
    ]
    missed = [(source, text) for source, text in bad if not lost_numbers(text, source, language)]
    assert len(missed) <= 0.05 * len(bad), missed


@pytest.mark.parametrize("language", TARGET_LANGUAGES)
def test_other_words_and_half_numbers_do_not_hide_a_loss(language: str) -> None:
    hidden = [(source, text) for source, text in cases("lost", language) if not lost_numbers(text, source, language)]
    assert not hidden


@pytest.mark.parametrize("language", TARGET_LANGUAGES)
def test_words_that_begin_as_number_words_are_none(language: str) -> None:
    [[text]] = cases("no_numbers", language)
    assert read_numbers(text, language) == []


def test_what_prompt_and_text_say_in_words_is_not_there_for_digits() -> None:
    assert lost_numbers("Schreibe drei Sätze über Katzen.", "Write three sentences about 3 cats.", "de") == 1
    assert lost_numbers("Schreibe drei Sätze über 3 Katzen.", "Write three sentences about 3 cats.", "de") == 0


def test_english_number_words_count_and_titles_keep_theirs() -> None:
    assert lost_numbers("都市を挙げてください。", "Name five cities.", "ja") == 1
    assert lost_numbers("7つの都市を挙げてください。", "Name five cities.", "ja") == 1
    assert lost_numbers("पाँच शहरों के नाम बताइए।", "Name five cities.", "hi") == 0  # a language without number words
    assert lost_numbers("「Ocean's Eleven」のあらすじ", "Summarize Ocean's Eleven.", "ja") == 0


@pytest.mark.parametrize(
    ("language", "unit"),
    [("de", "5 "), ("de", "1,2"), ("de", "fünf"), ("de", "03/05/2021 "), ("zh", "一"), ("ko", "백만 "), ("ar", "تين")],
)
def test_broken_rows_take_no_longer(language: str, unit: str) -> None:
    start = time.process_time()
    lost(unit * 500_000, f"5 two three 14th 3 pm {unit} " * 50_000, language)
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    ("source", "text", "count"),
    [
        ("Take 12 kg of it.", "Nimm 12 g davon.", 1),
        ("Take 5 mL of it.", "取5 ml。", 0),
        ("Take 5 mL of it.", "取5 L。", 1),
        ("Take 2.5 mg of it.", "Prenez 2,5 mg.", 0),
        ("Take 250 mcg of it.", "Nimm 250 µg davon.", 0),
        ("Take 12 kg of it.", "Nimm zwölf Kilogramm davon.", 0),
        ("Take 12 kg of it.", "Возьмите 12 кг.", 0),
        ("Mix 5 g with 5 mL.", "Mische 5 ml mit 5 g.", 0),
    ],
)
def test_a_number_with_another_unit_is_a_changed_measure(source: str, text: str, count: int) -> None:
    assert changed_units(text, source) == count
