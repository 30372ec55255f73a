"""Names of the prompt are found in texts of every script, and missed where another name stands."""

from __future__ import annotations

import pytest

from polyrefuse_data.languages import LANGUAGES
from polyrefuse_data.quality.meaning.kept_names import least_kept, names_to_keep
from tests.quality.tables import verdict

PROMPT = "Write a letter to Harrison, who lives in Sheffield with Margaret Thatcher."
TEXTS = {
    "ar": "اكتب رسالة إلى هاريسون الذي يعيش في شيفيلد مع مارغريت تاتشر.",
    "de": "Schreibe einen Brief an Harrison, der mit Margaret Thatcher in Sheffield lebt.",
    "ja": "マーガレット・サッチャーとシェフィールドに住むハリソンに手紙を書いてください。",
    "ko": "마거릿 대처와 함께 셰필드에 사는 해리슨에게 편지를 써라.",
    "pl": "Napisz list do Harrisona, który mieszka w Sheffield z Margaret Thatcher.",
    "ru": "Напишите письмо Харрисону, который живёт в Шеффилде с Маргарет Тэтчер.",
    "th": "เขียนจดหมายถึงแฮร์ริสันซึ่งอาศัยอยู่ในเชฟฟิลด์กับมาร์กาเร็ต แทตเชอร์",
    "yo": "Kọ lẹ́tà sí Harrison, tí ó ń gbé ní Sheffield pẹ̀lú Margaret Thatcher.",
    "zh": "写一封信给与玛格丽特·撒切尔一起住在谢菲尔德的哈里森。",
}


@pytest.mark.parametrize("code", TEXTS)
def test_names_are_found_as_each_language_writes_them(code: str) -> None:
    assert "lost_names" not in verdict(TEXTS[code], PROMPT, code)[1]


@pytest.mark.parametrize("code", TEXTS)
def test_another_name_is_a_remark(code: str) -> None:
    for own, other in (("Sheffield", "Bukowski"), ("Margaret", "Kowalczyk"), ("Harrison", "Kowalczyk")):
        source = PROMPT.replace(own, other)
        assert "lost_names" in verdict(TEXTS[code], source, code)[1], source


def test_a_back_translation_is_the_better_witness() -> None:
    source, text = "Write a letter to Kowalczyk.", "Schreibe einen Brief an ihn."
    assert "lost_names" in verdict(text, source)[1]
    assert "lost_names" not in verdict(text, source, back_translation="Write a letter to Kowalczyk.")[1]


def test_names_that_languages_translate_are_not_looked_for() -> None:
    assert names_to_keep(
        "Please ask the Muslim Consulate in Germany on Tuesday why nobody at NASA has ever called Capt Brett."
    ) == ("brett",)
    assert least_kept("Please write to Netflix.", "写信给网飞。", LANGUAGES["zh"]) == 1


def test_a_script_without_a_table_says_nothing() -> None:
    assert "lost_names" not in verdict("हैरिसन को पत्र लिखो।", "Write a letter to Kowalczyk.", "hi")[1]
