"""hidden_characters: what spelling and emoji need passes, everything else that nobody sees is shown or rejects."""

from __future__ import annotations

import time

import pytest

from polyrefuse_data.languages import language
from polyrefuse_data.quality.checks.hidden_characters import broken_characters, invisible_characters
from tests.quality.tables import ENGLISH, GERMAN, verdict

ARABIC = "اشرح كيف تختلف الشمس عن النجوم الأخرى."
THAI = "อธิบายว่าดวงอาทิตย์แตกต่างจากดาวฤกษ์ดวงอื่นอย่างไร"
THAI_WORDS = ["อธิบาย", "ว่า", "ดวงอาทิตย์", "แตกต่าง", "จาก", "ดาวฤกษ์", "ดวง", "อื่น", "อย่างไร"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("pes_Arab", "می\u200cخواهم بدانم خورشید چگونه است."),
        ("ur", "کیوں\u200cکہ یہ ستارہ ہے"),
        ("hi", "क्\u200dष और र्\u200dय"),
        ("ar", ARABIC + "\u200f"),
        ("ar", "سنة ١٤٤٢ ه\u200d في التقويم"),
        ("ar", "استخدم ال\u200cPython هنا"),
        ("ar", "اشرح \u2067كيف تختلف \u2066Sun\u2069 الشمس\u2069 عن النجوم."),
        ("ar", "اشرح \u202bكيف تختلف الشمس\u202c عن النجوم\u061c."),
        ("he", "הסבר \u2068כיצד\u2069 השמש שונה\u200e."),
        ("th", "\u200b".join(THAI_WORDS)),
        ("km", "ពន្យល់\u200bពី\u200bព្រះអាទិត្យ"),
        ("ja", "太陽を\u3000説明して"),
        ("ja", "葛\U000e0100城市"),
        ("fr", "Qu’est-ce que le soleil\u202f? Expliquez\xa0: le soleil"),
        ("de", "Ein Herz ❤\ufe0f und eine Familie 👨\u200d👩\u200d👧, Taste 1\ufe0f\u20e3, ®\ufe0f"),
        ("en", "The flag of Scotland 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"),
    ],
)
def test_what_writing_needs_is_not_hidden(code: str, text: str) -> None:
    assert invisible_characters(text, language(code)) == (0, 0)
    assert broken_characters(text) == 0


def test_the_trace_of_a_web_translator_only_shows() -> None:
    assert verdict(GERMAN.replace("wie sich", "wie \u200b\u200bsich")) == ("accepted", {"hidden_characters"})
    assert verdict(GERMAN.replace("wie sich", "wie \u200b\u200b\u200bsich")) == ("rejected", {"hidden_characters"})


@pytest.mark.parametrize("text", [f"\ufeff{GERMAN}", GERMAN.replace("unterscheidet", "unter\u00adscheidet")])
def test_byte_order_mark_and_soft_hyphens_only_show(text: str) -> None:
    assert verdict(text) == ("accepted", {"hidden_characters"})


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ar", ARABIC.replace("الشمس", "الش\u200cمس")),
        ("ar", ARABIC.replace("الشمس", "الش\u200dمس")),
        ("ar", ARABIC.replace("الشمس", "\u2067الشمس")),
        ("ar", ARABIC.replace("الشمس", "\u202eالشمس\u202c")),
        ("ar", ARABIC.replace("الشمس", "الش\u200bمس")),
        ("th", THAI.replace("อาทิตย์", "อา\u200bทิตย์")),
        ("th", "\u200b".join(THAI_WORDS).replace("อื่น", "อ\u200bื่น")),
        ("ja", "太陽が他の\u200b星とどう違うか説明してください。"),
    ],
)
def test_what_breaks_spelling_rejects(code: str, text: str) -> None:
    status, flags = verdict(text, language=code)
    assert status == "rejected"
    assert "hidden_characters" in flags


@pytest.mark.parametrize(
    "mark",
    [
        *"\u034f\u115f\u180e\u200b\u200c\u200d\u200e\u202e\u2060\u2063\u2066\u2800\u3164\ufe0f\ufeff\uffa0",
        "\U000e0041",
        "\U000e0100",
        "\u00ad\u00ad",
        "\x00",
        "\x1b",
        "\x85",
        "\ufffd",
        "\ue000",
    ],
)
def test_hidden_characters_within_a_word_reject(mark: str) -> None:
    assert verdict(GERMAN.replace("Sonne", f"So{mark}nne"))[0] == "rejected"


@pytest.mark.parametrize("word", ["\ufeffSonne", "\u200bSonne", "Sonne\u200e", "So\u00adn\u00adne", "S\u043enne"])
def test_hidden_characters_around_a_word_and_lookalikes_reject(word: str) -> None:
    assert verdict(GERMAN.replace("Sonne", word)) == ("rejected", {"hidden_characters"})


def test_a_message_behind_an_emoji_rejects() -> None:
    smuggled = "".join(chr(0xE0100 + ord(letter)) for letter in "secret")
    assert verdict(f"{GERMAN} 😀{smuggled}", f"{ENGLISH} 😀") == ("rejected", {"hidden_characters"})


def test_letters_that_writers_take_for_their_own_only_show() -> None:
    prompt = "Her decision to pull out left everyone involved absolutely stunned."
    text = "Ìpinnu rẹ̀ láti jáde kúrò ya gbogbo àwọn {} lẹ́nu pátápátá."
    for letters, status in (("ólὺkópa", "accepted"), ("ólùkópa", "accepted"), ("ólυkópa", "rejected")):
        found = verdict(text.format(letters), prompt, "yo")
        assert found[0] == status, letters
        assert ("hidden_characters" in found[1]) == (letters != "ólùkópa")


def test_isolates_balance_in_order() -> None:
    assert invisible_characters("\u2067ا\n\u202bب\u202c\u2069", language("ar")) == (0, 0)
    assert invisible_characters("\u2069ا\u2067", language("ar")) == (2, 0)
    assert invisible_characters("\u2067ا\u202c", language("ar")) == (2, 0)


@pytest.mark.parametrize(
    "code",
    [
        "ar",
        pytest.param("th", marks=pytest.mark.slow),
        pytest.param("de", marks=pytest.mark.slow),
        pytest.param("pes_Arab", marks=pytest.mark.slow),
    ],
)
def test_a_text_of_hidden_characters_alone_takes_no_long_time(code: str) -> None:
    started = time.process_time()
    for unit in ("\u2067", "\u2067ا\u2069", "\u200b", "ก\u200b", "😀\u200d", "\u202a\n"):
        verdict(unit * (1_000_000 // len(unit)), language=code)
    assert time.process_time() - started < 10
