"""Refusals and answers are found in every language; prompts that only open so, and their translations, are kept."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.languages import SOURCE_LANGUAGE, TARGET_LANGUAGES, find_language
from polyrefuse_data.quality.batch import make_batch
from polyrefuse_data.quality.replies import readings
from tests.quality.tables import make_table

PROMPT = "Give three tips for staying healthy."
CODES = (SOURCE_LANGUAGE, *TARGET_LANGUAGES)
REFUSAL, ANSWER = KINDS = "refusal", "answer"


def rows_of(name: str, language: str) -> list[dict[str, str]]:
    with (Path(__file__).parent / "checks" / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row for row in rows if row["language"] == language]


def fires(*rows: dict[str, Any]) -> list[set[str]]:
    """The kinds of reply that each row reads as."""
    found = readings(make_batch(make_table(*rows)))
    return [
        {name for name, says in ((REFUSAL, one.refuses), (ANSWER, one.answers)) if says} if one else set()
        for one in found
    ]


@pytest.mark.parametrize("language", CODES)
def test_replies_are_found(language: str) -> None:
    rows = rows_of("replies.tsv", language)
    # English replies stand under another language: an English row is a prompt.
    where = language if language != SOURCE_LANGUAGE else "de"
    found = fires(*({"language": where, "text": row["reply"], "text_en": PROMPT} for row in rows))
    for kind in KINDS:
        of_kind = [bool(kinds) for row, kinds in zip(rows, found, strict=True) if row["kind"] == kind]
        assert len(of_kind) >= 40
        assert sum(of_kind) >= 0.95 * len(of_kind)


@pytest.mark.parametrize("language", CODES)
def test_refusals_that_say_what_they_decline_are_found_without_an_english_prompt(language: str) -> None:
    rows = [row for row in rows_of("replies.tsv", language) if row["kind"] == REFUSAL]
    where = language if language != SOURCE_LANGUAGE else "de"
    found = fires(*({"language": where, "text": row["reply"], "text_en": ""} for row in rows))
    assert sum(map(bool, found)) >= 0.7 * len(found)


@pytest.mark.parametrize(
    ("language", "text", "source"),
    [
        # What somebody is quoted as saying is no reply.
        ("it", 'Trump ha continuato dicendo: "Vediamo questo gruppo."', 'Trump continued, "You see this group."'),
        ("th", 'John กล่าวว่า: "แน่นอนว่าเป้าหมายคือรูปปั้น"', 'John said: "It was bound to be the statue."'),
        # English words that account for how the text opens.
        (
            "zh",
            "他领导了抵制运动，拒绝聘用或提拔黑人的零售店。",
            "He led a boycott of retailers who resisted hiring blacks.",
        ),
        ("zh", "他被控制在一种无法满足的胃口中。", "He was captive to an insatiable appetite."),
        # A letter's address is followed by a comma; without one, somebody is only called dear.
        ("zh", "亲爱的枪手迪克把现场比作一群野兽。", "Rear gunner Dick likened the scene to gnats."),
        ("th", "ผู้ที่พูดความคิดของตัวเองจะกลายเป็นสิ่งที่ยอมรับไม่ได้", "It is intolerant of those who speak their minds"),
        ("th", "ชุมชนนั้นจึงได้เข้าไปใช้โบสถ์แทน", "A congregation took title to the building."),
        ("th", 'รัฐบาลประกาศว่า "โอเค นี่เป็นภัยพิบัติ"', 'The government says, "O.K., this is a disaster."'),
        ("th", "เธอจะเป็นผู้ดำเนินรายการแทน Ant", "She will replace Ant as host."),
        ("es", "Ahí están media docena de ejemplos.", "There are half a dozen examples."),
        ("yo", "Èyí ni yóò jẹ́ òjò àkọ́kọ́.", "This would be the first rainfall."),
        ("yo", "Mo lérò wípé wọ́n nílatí fún wọn.", "I think that it should be given to them."),
        ("yo", "Ní tòótọ́, mo mọ̀ wipe mo jẹ́ olóríire.", "Indeed, I know I am fortunate."),
        ("yo", "Dípò ki a ní wọn, a ó ní bíi ènìyàn igba.", "Instead of having them, we'd have 200 people."),
    ],
)
def test_sentences_of_the_news_that_open_as_replies_are_kept(language: str, text: str, source: str) -> None:
    assert fires({"language": language, "text": text, "text_en": source}) == [set()]


@pytest.mark.parametrize("language", [code for code in CODES if code != SOURCE_LANGUAGE])
def test_faithful_translations_of_prompts_that_open_as_replies_are_kept(language: str) -> None:
    rows = rows_of("prompts_like_replies.tsv", language)
    assert len(rows) == 52
    for row, kinds in zip(rows, fires(*rows), strict=True):
        assert not kinds, row["text"]
    for row, kinds in zip(rows, fires(*({**row, "back_translation": row["text_en"]} for row in rows)), strict=True):
        assert not kinds, row["text_en"]


def test_the_same_openings_are_replies_where_the_prompt_says_nothing_of_them() -> None:
    rows = [row for code in CODES for row in rows_of("prompts_like_replies.tsv", code)]
    found = fires(*({**row, "text_en": PROMPT} for row in rows))
    assert sum(map(bool, found)) >= 0.5 * len(found)


def test_false_alarms_are_rare(published: list[dict[str, Any]]) -> None:
    for language in {row["language"] for row in published}:
        own = [row for row in published if row["language"] == language]
        for found in (fires(*own), fires(*({**row, "text_en": "", "back_translation": None} for row in own))):
            assert sum(map(bool, found)) <= max(1, 0.001 * len(own)), language


@pytest.mark.parametrize(
    "text",
    [
        "Hier ist die Übersetzung: Es tut mir leid, aber ich kann dabei nicht helfen.",
        "Ich verstehe Ihre Frage, aber dabei kann ich Ihnen leider nicht helfen.",
        "I'm sorry, but I can't help with that.",
        "„Es tut mir leid, dabei kann ich nicht helfen.“",
        "ES TUT MIR LEID, ABER DAS KANN ICH NICHT.",
    ],
)
def test_a_refusal_is_found_behind_a_preface_in_english_and_in_quotes(text: str) -> None:
    assert REFUSAL in fires({"text": text})[0]


def test_a_reply_shows_in_the_back_translation() -> None:
    good = {"text": "Nennen Sie drei Tipps für einen besseren Schlaf."}
    refused, answered, kept = fires(
        {**good, "back_translation": "I am sorry, I cannot help you with this."},
        {**good, "back_translation": "Sure! Here are three tips."},
        {**good, "back_translation": "Name three tips for better sleep."},
    )
    assert (refused, answered, kept) == ({REFUSAL}, {ANSWER}, set())


def test_what_is_said_further_in_a_faithful_text_is_no_refusal() -> None:
    """The back-translator took "tired of hearing" for "sorry"."""
    prompt = "How do I convince my girlfriend to come with me tonight? I'm tired of hearing her say that she is ill."
    good = {
        "text": "Wie kann ich meine Freundin davon überzeugen, heute Abend mit mir zu kommen? "
        "Ich bin es leid, mir von ihr sagen zu lassen, dass sie krank ist.",
        "text_en": prompt,
    }
    back = "How can I convince my girlfriend to come with me tonight? I am sorry to let her tell me that she is ill."
    faithful, other, first = fires(
        {**good, "back_translation": back},
        {**good, "text": "Das geht nicht.", "back_translation": "That is how it is. I am sorry, I cannot help you."},
        {**good, "back_translation": f"I am sorry, I cannot help with that. {back}"},
    )
    assert (faithful, other, first) == (set(), {REFUSAL}, {REFUSAL})


def test_what_a_prompt_may_begin_with_does_not_count_without_an_english_prompt() -> None:
    kept, refused, translated = fires(
        {"text": "Hier ist eine Liste von Tieren: Sortieren Sie sie.", "text_en": ""},
        {"text": "Es tut mir leid, aber ich kann Ihnen dabei nicht helfen.", "text_en": ""},
        {"text": "Hier ist die Übersetzung: Sortieren Sie die Tiere.", "text_en": ""},
    )
    assert not kept
    assert REFUSAL in refused
    assert ANSWER in translated


def test_marks_do_not_matter_where_people_leave_them_out() -> None:
    assert fires({"language": "yo", "text": "Ma binu, mi o le ran o lowo pelu eyi."})[0] == {REFUSAL}
    assert REFUSAL in fires({"language": "ar", "text": "عُذْرًا، لا أَسْتَطِيعُ المُسَاعَدَة."})[0]
    assert REFUSAL in fires({"language": "fr", "text": "Desole, je ne peux pas vous aider."})[0]


def test_english_rows_have_no_score_and_languages_without_a_table_are_read_in_english() -> None:
    assert (known := find_language("sw")) and known.replies is None
    assert fires({"language": "swh_Latn", "text": "I'm sorry, but I can't help with that."}) == [{REFUSAL}]
    assert REFUSAL in fires({"language": "ja", "text": "I’m sorry, but I can’t help with that."})[0]
    assert fires({"language": "en", "text": "I'm sorry, but I can't help with that."}) == [set()]


def test_a_megabyte_is_read_no_longer_than_a_prompt() -> None:
    row = {"text": "ich kann " * 120_000, "text_en": "sorry " * 200_000, "back_translation": "i can " * 200_000}
    start = time.process_time()
    fires(row)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("language", "text", "source"),
    [
        (
            "ja",
            "これらの権利は、原則に反して行使してはならない。",
            "These rights may not be exercised contrary to the principles.",
        ),
        ("zh", "这些权利的行使不得违背宗旨和原则。", "These rights may not be exercised contrary to the principles."),
        ("it", "Questo account non è attivo.", "This account is inactive."),
        ("ru", "Ваш старый пароль введен неправильно.", "Your old password was entered incorrectly."),
        ("ar", "أنا أتطلّع إلى إحداث فوضى عارمة.", "I'm looking to make a mess."),
        ("de", "Offenbar verteidigt sich der Vogel auf See.", "Apparently, the bird defends itself at sea."),
    ],
)
def test_english_that_says_the_same_accounts_for_an_opening(language: str, text: str, source: str) -> None:
    assert fires({"language": language, "text": text, "text_en": source}) == [set()]
    assert fires({"language": language, "text": text, "text_en": PROMPT}) != [set()]
