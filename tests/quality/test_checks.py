"""Each check fires for its reason, and stays silent on what only looks like it."""

from __future__ import annotations

import pytest
from corruption_texts import ANSWERS, REFUSALS, RELATED

from polyrefuse_data.languages import find_language
from polyrefuse_data.quality import audit
from polyrefuse_data.quality.checks.script import share
from polyrefuse_data.quality.numbers import lost_numbers
from polyrefuse_data.text.loops import repeated_share
from tests.quality.tables import ENGLISH, GERMAN, make_table, verdict


def test_the_good_translation_of_these_tests_is_accepted() -> None:
    assert verdict(GERMAN) == ("accepted", set())


@pytest.mark.parametrize(
    ("text", "language", "flag"),
    [
        ("Explique en quoi le soleil est différent des autres étoiles.", "de", "language_id"),
        ("太陽が他の星とどのように違うのかを説明してください。", "zh", "script"),
        ("解释太阳与其他恒星有何不同。", "ja", "language_id"),
        ("Explain how the sun is different from other stars.", "yo", "untranslated"),
        ("Erklären Sie, wie sich die Sonne is different from other stars.", "de", "partly_translated"),
        ("อธิบายว่าดวงอาทิตย์ is different from other stars.", "th", "partly_translated"),
        ("Erklären Sie, wie", "de", "length_ratio"),
        (
            "Erklären Sie, wie die Sonne scheint, die Sonne scheint, die Sonne scheint, die Sonne scheint.",
            "de",
            "repetition",
        ),
    ],
)
def test_gross_failures_are_rejected_for_their_reason(text: str, language: str, flag: str) -> None:
    status, flags = verdict(text, language=language)
    assert status == "rejected"
    assert flag in flags


@pytest.mark.parametrize("language", sorted(code for code, texts in RELATED.items() if isinstance(texts, tuple)))
def test_related_languages_are_found(language: str) -> None:
    texts = RELATED[language]
    rejected = [verdict(text, language=language)[1] & {"language_id", "related_language"} for text in texts]
    assert sum(map(bool, rejected)) >= 0.9 * len(texts)


@pytest.mark.parametrize("language", sorted(REFUSALS))
def test_refusals_and_answers_are_recognised_in_every_language(language: str) -> None:
    if language == "en":
        return
    for text in REFUSALS[language]:
        assert "translator_refused" in verdict(text, language=language)[1], text
    for text in ANSWERS[language]:
        assert "translator_answered" in verdict(text, language=language)[1], text


def test_a_reply_shows_in_the_back_translation_too() -> None:
    _, flags = verdict(GERMAN, back_translation="I'm sorry, but I can't help with that.")
    assert "translator_refused" in flags


def test_a_prompt_that_itself_reads_as_a_reply_is_no_reply() -> None:
    _, flags = verdict(
        "Es tut mir leid, ich kann heute nicht kommen: Schreiben Sie das höflicher.",
        "I'm sorry, I can't come today: write this more politely.",
    )
    assert not flags & {"translator_refused", "translator_answered"}


@pytest.mark.parametrize(
    ("source", "text", "language", "lost"),
    [
        ("List 5 fruits.", "Listen Sie 5 Früchte auf.", "de", 0),
        ("List 5 fruits.", "Listen Sie fünf Früchte auf.", "de", 0),
        ("List 5 fruits.", "Listen Sie Früchte auf.", "de", 1),
        ("List 5 fruits.", "اذكر ٥ فواكه.", "ar", 0),
        ("The 9/11 attacks", "Die Anschläge vom 11. September", "de", 0),
        ("The 9/11 attacks", "Die Anschläge vom September", "de", 1),
        ("List 3 fruits.", "اذكر ثلاث فواكه.", "ar", 0),
        ("List 3 fruits.", "اذكر فواكه.", "ar", 1),
        ("Name the presidents of the 21st century.", "Nombra a los presidentes del siglo XXI.", "es", 0),
        ("It cost 1,000 euros.", "Es kostete 1.000 Euro.", "de", 0),
        ("A crowd of 10,000 people", "1万人の群衆", "ja", 0),
        ("Days in August 2021", "จำนวนวันในเดือนสิงหาคม พ.ศ.2564", "th", 0),
        ("It costs 30 million dollars.", "Es kostet dreißig Millionen Dollar.", "de", 0),
        ("It costs 30 million dollars.", "Es kostet Dollar.", "de", 1),
        ("It costs 2 million dollars.", "費用は200万ドルです。", "ja", 0),
        ("It costs 2 million dollars.", "Cuesta 2.000.000 de dólares.", "es", 0),
        ("A prize of 2 billion dollars", "Un premio de 2.000 millones de dólares", "es", 0),
        ("A prize of 3 billion dollars", "30억 달러의 상금", "ko", 0),
        ("A salary of 50k a year", "Ein Gehalt von 50.000 im Jahr", "de", 0),
        ("Meet me at 3 pm.", "Triff mich um 15 Uhr.", "de", 0),
        ("Meet me at 3:30 p.m. today", "Retrouve-moi à 15h30 aujourd'hui", "fr", 0),
        ("Meet me at 3 pm.", "Triff mich um drei Uhr.", "de", 0),
        ("Meet me at 3 pm.", "Triff mich um Uhr.", "de", 1),
        ("The bus leaves at 12 am.", "Der Bus fährt um 24 Uhr.", "de", 0),
        ("The 9/11 attacks", "Los atentados del 24/11", "es", 1),
        ("Numbers from 1 to 5", "Erstellen Sie die Zahlen von bis 5", "de", 1),
        ("Name 3 methods that can be used.", "ระบุวิธีที่สามารถใช้", "th", 1),
        ("A shape with 5 sides and 5 angles", "Apẹrẹ pẹlu awọn igun marun", "yo", 1),
    ],
)
def test_numbers(source: str, text: str, language: str, lost: int) -> None:
    assert lost_numbers(text, source, find_language(language)) == lost


@pytest.mark.parametrize(
    "field",
    ["{name}", "{{user}}", "%s", "https://example.org/a?b=1", "<b>", "[NAME]", "${CITY}", "me@example.org", "{0}"],
)
def test_a_lost_placeholder_rejects_and_a_kept_one_does_not(field: str) -> None:
    source = f"Write a short letter of thanks to {field} in a friendly tone."
    kept = f"Schreiben Sie einen kurzen Dankesbrief an {field} in einem freundlichen Ton."
    assert "preserved" not in verdict(kept, source)[1]
    assert "preserved" in verdict(kept.replace(field, ""), source)[1]


def test_a_translated_bracket_is_kept() -> None:
    assert "preserved" not in verdict("Schreibe an [NAME DES LEHRERS].", "Write to [NAME OF TEACHER].")[1]


def test_lost_lines_reject() -> None:
    assert "preserved" in verdict("Sortiere die Liste: Apfel Birne", "Sort the list:\napple\npear")[1]


@pytest.mark.parametrize("field", ["mail@example.com", "https://example.com/a?b=1", "`os.remove(path)`", "%(count)d"])
def test_what_a_translation_rightly_keeps_is_no_english(field: str) -> None:
    for text, source, language in (
        ("Nenne ein Tier.", "Name an animal.", "de"),
        ("اذكر حيوانًا.", "Name an animal.", "ar"),
        ("说出一种动物。", "Name an animal.", "zh"),
    ):
        assert not verdict(f"{text} {field}", f"{source} {field}", language)[1] & {
            "partly_translated", "language_id", "script", "preserved", "untranslated", "related_language"
        }  # fmt: skip


def test_a_text_that_is_all_code_is_still_read() -> None:
    assert "untranslated" in verdict(f"`{ENGLISH}`")[1]


@pytest.mark.parametrize("tail", ["n" * 25, " und so" * 9, "ู" * 20, " ha!" * 12, "?" * 20])
def test_a_loop_at_the_end_of_a_long_text_rejects(tail: str) -> None:
    long = "Schreiben Sie einen kurzen Brief, in dem Sie Ihrem Nachbarn erklären, weshalb das Fest am Samstag ausfällt"
    source = "Write a short letter that explains to your neighbour why the party on Saturday will not take place"
    assert "repetition" in verdict(long + tail, source)[1]
    assert "repetition" not in verdict(f"{long}: ______________________________", source)[1]
    assert "repetition" not in verdict(long + tail, source + tail)[1]


def test_a_flores_code_is_the_language_that_it_names() -> None:
    assert verdict(GERMAN, language="deu_Latn") == ("accepted", set())
    other, back = "Nennen Sie ein Rezept für eine gute Suppe mit Kartoffeln.", "Give a recipe for a good potato soup."
    assert "unverified_meaning" in verdict(other, language="deu_Latn")[1]
    assert "mismatched" in verdict(other, language="deu_Latn", back_translation=back)[1]


def test_repetition_is_relative_to_the_prompt() -> None:
    assert repeated_share("abcdefghij" * 10, 10) > 0.8
    source = "Say it again and again and again and again and again and again."
    assert "repetition" not in verdict("Sag es immer wieder und wieder und wieder und wieder und wieder.", source)[1]


def test_names_in_latin_letters_do_not_count_against_a_script() -> None:
    assert share("Python で GPT を使う", "Use GPT in Python", frozenset({"Han", "Hiragana", "Katakana"})) == 1.0
    assert share("解释 the sun", "Explain the moon", frozenset({"Han"})) < 0.7


def test_row_that_nobody_translated_back_says_so() -> None:
    asked, never_asked, done = audit(
        make_table(
            {"back_translator": "openai:x", "back_translation": None},
            {"back_translation": None},
            {"back_translator": "openai:x", "back_translation": ENGLISH},
        )
    ).to_pylist()
    assert (asked["flags"], asked["status"]) == (["no_back_translation"], "accepted")
    assert "no_back_translation" not in never_asked["flags"] + done["flags"]


def test_two_prompts_with_one_translation_reject_the_one_it_does_not_fit() -> None:
    other = "Name three healthy breakfast foods for children."
    table = make_table({"text": GERMAN, "text_en": ENGLISH}, {"text": GERMAN, "text_en": other})
    audited = audit(table).to_pylist()
    assert [row["status"] for row in audited] == ["accepted", "rejected"]
    assert "duplicate_target" in audited[1]["flags"]


def test_punctuation_is_shown_and_never_rejects() -> None:
    assert verdict(GERMAN.replace("Sonne", "Sonne -scheibe")) == ("accepted", {"punctuation"})
    assert verdict(GERMAN.replace("die Sonne", '"die Sonne')) == ("accepted", {"punctuation"})


def test_imported_scores_have_thresholds() -> None:
    import pyarrow as pa

    table = make_table({"text": GERMAN, "text_en": ENGLISH}, {"text": GERMAN, "text_en": ENGLISH})
    table = table.append_column("comet", pa.array([0.9, 0.2])).append_column("metricx", pa.array([None, 24.0]))
    assert [set(flags) for flags in audit(table)["flags"].to_pylist()] == [set(), {"comet", "metricx"}]
