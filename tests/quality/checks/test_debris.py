"""debris: what machines leave in a translation is found; good rows are not, nor prompts that hold such marks."""

from __future__ import annotations

import time
from typing import Any

import pytest
from artefacts import ARTEFACTS, KEPT, Row, found, kept, planted

from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.languages import language
from polyrefuse_data.quality import audit
from polyrefuse_data.quality.checks.debris import labels_of
from polyrefuse_data.text.debris import Labels, debris
from tests.conftest import TARGETS
from tests.quality.tables import ENGLISH, GERMAN, make_table, verdict

ROWS, LEAST_FOUND, MOST_LOST = 48, 0.98, 0.002


@pytest.fixture(scope="module")
def good() -> dict[str, list[Row]]:
    english = seed_texts("en").prompts
    return {code: [(code, english[key], text) for key, text in seed_texts(code).prompts.items()] for code in TARGETS}


@pytest.mark.parametrize("kind", ARTEFACTS)
def test_each_kind_is_found_in_every_language(good: dict[str, list[Row]], kind: str) -> None:
    for code in TARGETS:
        rows = good[code][:: len(good[code]) // ROWS][:ROWS]
        assert len(rows) == ROWS
        assert found([*planted(rows, ARTEFACTS[kind])]) >= LEAST_FOUND, (kind, code)


@pytest.mark.parametrize("code", TARGETS)
def test_good_rows_have_none(good: dict[str, list[Row]], code: str) -> None:
    assert found(good[code]) <= MOST_LOST


def test_published_rows_have_none(published: list[dict[str, Any]]) -> None:
    rows = [(row["language"], row["text_en"], row["text"]) for row in published]
    assert found(rows) <= MOST_LOST


@pytest.mark.parametrize("code", TARGETS)
def test_what_the_prompt_holds_itself_is_none(good: dict[str, list[Row]], code: str) -> None:
    assert found([*kept(good[code])]) == 0


@pytest.mark.parametrize("mark", KEPT)
def test_debris_beside_what_the_prompt_holds_is_found(mark: str) -> None:
    source = f"{ENGLISH} {mark}"
    labels = labels_of(language("de"))
    assert not debris(f"{GERMAN} {mark}", source, labels)
    assert debris(f"{GERMAN} {mark} <|im_end|></s>", source, labels)
    assert debris(f'{{"translation": "{GERMAN} {mark}"}}{{}}', source, labels)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (f"{GERMAN}<|im_end|>", {"tag", "sign", "underscore"}),
        (f"⁇ {GERMAN}", {"piece"}),
        (f'"{GERMAN}"', {"quotes"}),
        (f'{GERMAN}"', {"lone_quote"}),
        (f"Deutsch: {GERMAN}", {"label"}),
        (f"{GERMAN} (förmlich)", {"note"}),
        (f"{GERMAN}\n\n{GERMAN}", {"line"}),
        (f"{GERMAN} / {GERMAN}", {"choice"}),
        (f"1. {GERMAN}", {"number"}),
        (f"{GERMAN})", {"lone_bracket"}),
        (GERMAN, set()),
        ("", set()),
        (" ", set()),
    ],
)
def test_it_says_which_kind(text: str, kinds: set[str]) -> None:
    assert set(debris(text, ENGLISH, labels_of(language("de")))) == kinds


@pytest.mark.parametrize(
    ("code", "source", "text"),
    [
        ("de", 'Who said "I came, I saw, I won"?', "Wer sagte: „Ich kam, ich sah, ich siegte“?"),  # a colon for a comma
        ("zh", 'He said "go" and "stop".', "“去”，他说，然后说“停”"),  # two quotations, one at each end
        ("zh", 'The Assembly said: "The Members decide."', "“国民议会”表示：“决定 “议员” 的是议员。”"),
        (
            "ko",
            'He called it "folly" and "attempting to rewrite history."',
            '그는 그것을 ‘어리석다’, ‘역사를 새로 쓰려는 시도’라고 했다."',
        ),
        ("ja", "Fill in [NAME] here.", "ここに【名前】を記入してください。"),
        ("es", "Where is Omaha, Nebraska", "Dónde está Omaha (Nebraska)"),
        ("fr", "What is it?", "Qu'est-ce que c'est ?"),
        ("nl", "What happens in the evening?", "'s Avonds, wat gebeurt er dan?"),
        ("de", "On November 4 he became champion.", "4. November, da wurde er Meister."),
        ("ko", "Was September 11 a hoax?", "9/11은 거짓말이었습니까?"),
    ],
)
def test_how_languages_write_is_none(code: str, source: str, text: str) -> None:
    assert debris(text, source, labels_of(language(code))) == []


def test_a_row_with_debris_is_rejected() -> None:
    assert verdict(f"{GERMAN} </s>") == ("rejected", {"debris"})
    assert verdict(GERMAN) == ("accepted", set())
    assert "debris" not in verdict(f"{GERMAN} </s>", source="")[1]  # nothing to hold it against: it is unpaired


def test_english_rows_have_no_debris() -> None:
    row = audit(make_table({"language": "en", "text": "Note: <b>x</b>", "text_en": "Note: <b>x</b>"})).to_pylist()[0]
    assert "debris" not in row["flags"]


def test_a_language_without_a_pack_has_the_marks_of_any() -> None:
    assert debris("Vad är det? </s>", "What is it?", labels_of(language("sv")))
    assert debris("Vad är det? </s>", "What is it?", Labels())
    assert debris("Swedish: Vad är det?", "What is it?", labels_of(language("sv")))
    assert debris("Vad är det?", "What is it?", Labels()) == []


@pytest.mark.parametrize("unit", ["(", "a:", '"', "<|", "&#", ": a b c", "“", " / ", "\n", "1. ", "%41", "'", "or "])
def test_a_text_without_end_takes_no_long_time(unit: str) -> None:
    started = time.process_time()
    debris(unit * (20_000 // len(unit)), "x", labels_of(language("de")))
    assert time.process_time() - started < 1
