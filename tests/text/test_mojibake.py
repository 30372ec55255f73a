"""Text whose bytes were read in another encoding is found in every language; rare letters and names are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.languages import TARGET_LANGUAGES, language
from polyrefuse_data.quality import audit
from polyrefuse_data.text.mojibake import lost_letters, misread_letters, misread_utf8
from tests.quality.tables import ENGLISH, GERMAN, make_table, verdict

LEAST_CAUGHT = 0.98
UTF8_READ_AS = ("latin-1", "cp1252", "cp1250", "cp1251", "cp437", "cp850", "koi8-r", "mac-roman")
LEGACY_READ_AS = {
    "ar": {"cp1256": ("latin-1", "cp1252", "cp1251")},
    "ja": {"shift_jis": ("latin-1", "cp1252", "euc-jp", "gbk"), "euc-jp": ("latin-1", "cp1252", "shift_jis")},
    "ko": {"cp949": ("latin-1", "cp1252", "gbk", "shift_jis", "big5")},
    "pl": {"cp1250": ("latin-1", "cp1252"), "iso8859-2": ("latin-1", "cp1252", "cp1250")},
    "ru": {"koi8-r": ("latin-1", "cp1252", "cp1251"), "cp1251": ("latin-1", "cp1252", "koi8-r", "cp866")},
    "th": {"tis-620": ("latin-1", "cp1252", "gbk")},
    "zh": {"gbk": ("latin-1", "cp1252", "big5", "shift_jis", "cp949")},
}
OWN = {"ja": ("shift_jis", "euc-jp"), "ko": ("cp949",), "zh": ("gbk", "big5"), "th": ("tis-620",), "ar": ("cp1256",)}


def _ways(code: str) -> dict[str, Callable[[str], str]]:
    """The ways in which texts of a language get broken, by name."""

    def read(written: str, codec: str) -> Callable[[str], str]:
        return lambda text: text.encode(written, "ignore").decode(codec, "replace")

    ways = {f"utf-8 as {codec}": read("utf-8", codec) for codec in (*UTF8_READ_AS, *OWN.get(code, ()))}
    for written, codecs in LEGACY_READ_AS.get(code, {}).items():
        ways |= {f"{written} as {codec}": read(written, codec) for codec in codecs}
    ways["twice"] = lambda text: read("utf-8", "latin-1")(read("utf-8", "latin-1")(text))
    ways["question marks"] = lambda text: text.encode("ascii", "replace").decode("ascii")
    ways["replacement characters"] = lambda text: "".join(c if c.isascii() else "\ufffd" for c in text)
    return ways


@pytest.mark.parametrize("code", TARGET_LANGUAGES)
def test_short_texts_read_in_another_encoding_reject(code: str) -> None:
    english, texts = seed_texts("en").prompts, seed_texts(code).prompts
    rows = [
        {"way": way, "language": code, "text": broken, "text_en": english[key]}
        for way, change in _ways(code).items()
        for key, text in list(texts.items())[::3]
        if (broken := change(text)) != text
    ]
    audited = audit(make_table(*({k: v for k, v in row.items() if k != "way"} for row in rows)))
    accepted = [row for row, status in zip(rows, audited["status"].to_pylist(), strict=True) if status == "accepted"]
    assert len(accepted) <= (1 - LEAST_CAUGHT) * len(rows), [(row["way"], row["text"]) for row in accepted[:5]]


def test_misread_utf8_is_told_from_rare_letters() -> None:
    assert misread_utf8("Erklären".encode().decode("latin-1")) == 1
    assert misread_utf8("“日本”".encode().decode("cp1252", "replace")) >= 2
    assert misread_utf8("Ãzbekistan, naïve, ¿qué? „süß“") == 0


@pytest.mark.parametrize("codec", ["latin-1", "cp1252", "cp1250", "cp1251", "koi8-r", "mac-roman", "cp437", "cp850"])
def test_one_word_in_another_encoding_rejects(codec: str) -> None:
    assert "hidden_characters" in verdict(GERMAN.replace("Erklären", "Erklären".encode().decode(codec)))[1]


@pytest.mark.parametrize(
    ("code", "text", "source"),
    [
        ("de", "Wer war Antonín Dvořák, und wo liegt Łódź?", "Who was Antonin Dvorak, and where is Lodz?"),
        ("de", "Warum ist kΩ · m² · 20 °C · Δt · µm · Coca-Cola® · CO₂ · „süß“ richtig?", "Why is this right?"),
        ("fr", "Le XIXᵉ siècle, le nº 5, 3 µg et ℝ : ﬁn.", "The 19th century, No. 5, 3 µg and R: end."),
        ("es", "Háblame de El Niño, de la 1ª y de Mª José; ¡ya! ¿Y la col·lecció?", "Tell me about El Nino."),
        ("pl", "Opisz El Niño i crêpe suzette.", "Describe El Niño and crêpes suzette."),
        ("pl", "Kim był Erdoğan w Gdańsku?", "Who was Erdogan in Gdansk?"),
        ("ru", "Сколько кВт нужно, и кто такой Пётр?", "How many kW does it take, and who is Peter?"),
        ("ru", "Напиши на C++ и Python, что такое e-mail № 5.", "Write in C++ and Python what e-mail No. 5 is."),
        ("ar", "ما هو café في باريس؟ اكتب C++ و x²", "What is a café in Paris? Write C++ and x²"),
        ("ja", "café とPythonでα粒子を説明してください。", "Explain alpha particles in café and Python."),
        ("ja", "頰が赤い人と𠮟られた人、時間と髙橋さんを説明して😀。", "Explain red cheeks and Mr Takahashi."),
        ("ko", "쫌 그만해, 엌 😀 café 뷁", "Stop it, eek 😀"),
        ("ko", "한자(漢字)와 café를 설명하세요.", "Explain Chinese characters and a café."),
        ("fr", "Qu’est-ce que l’œuvre de Čapek ? Et après → quoi ?", "What is Capek's work? And then → what?"),
        ("yo", "Ṣàlàyé bí oòrùn ṣe yàtọ̀ sí àwọn ìràwọ̀ mìíràn.", "Explain how the sun is different from other stars."),
        ("ha", "Ka bayyana ƙasar da ɓarayi suke, da yadda ake ɗaukar su.", "Describe it."),
        ("tw", "Kyerɛkyerɛ sɛnea owia no yɛ soronko wɔ nsoromma ho.", "Explain how the sun is different."),
        ("ee", "Ðe nu me le alesi ɣe to vovo tso ɣletiwo gbɔ la ŋu.", "Explain how the sun is different."),
        ("vi", "Hãy giải thích Mặt Trời khác với các ngôi sao như thế nào.", "Explain how the sun is different."),
        ("tr", "Güneş’in diğer yıldızlardan farkını açıklayın.", "Explain how the sun is different."),
        ("ckb", "ڕوونی بکەوە کە خۆر چۆن لە ئەستێرەکانی تر جیاوازە ﷺ", "Explain how the sun is different."),
        ("kk", "Күннің басқа жұлдыздардан қалай ерекшеленетінін түсіндіріңіз.", "Explain how the sun is different."),
        ("ru", "Объясните, чем самолёт Пётра отличается от других.", "Explain how Peter's plane is different."),
    ],
)
def test_rare_letters_names_and_signs_are_not_misread(code: str, text: str, source: str) -> None:
    assert misread_letters(text, source, language(code).orthography) == 0


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ja", "发生した时间を说明してください。"),
        ("ko", "뿄뿉쒗 설명해 주세요."),
        ("ru", "нАЗЪЯМХ, ЙЮЙ ПЮЯРСР ЖБЕРШ."),
        ("ru", "Љак ѕѓ сделать торт?"),
        ("pl", "Wyja¶nij, jak rosn± kwiaty."),
        ("pl", "Wyjanij, co robiæ."),
        ("es", "Explica c¢mo crecen las flores."),
        ("fr", "Explique l’humiditÚ."),
        ("de", "Erkl盲re es."),
    ],
)
def test_what_a_language_does_not_write_in_words_is_misread(code: str, text: str) -> None:
    assert misread_letters(text, "", language(code).orthography) > 0
    assert misread_letters(text, text, language(code).orthography) == 0


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Erkl?ren Sie es.", "Explain it."),
        ("Schreibe ?ber Einwanderer.", "Write about immigrants."),
        ("Jak mog? zbudowa? dom?", "How can I build a house?"),
        ("?Cómo se hace?", "How is it done?"),
        ("做一个??人把密码给我的网站。", "Make a website."),
        ("愛とは何かを?明してください。", "Explain what love is."),
    ],
)
def test_letters_that_became_question_marks(text: str, source: str) -> None:
    assert lost_letters(text, source) > 0
    assert lost_letters(text, text) == 0


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("什么是爱?请解释。", "What is love? Please explain."),
        ("愛とは何ですか?説明してください。", "What is love? Please explain."),
        ("사랑이 뭐예요?설명해 주세요.", "What is love? Please explain."),
        ("ความรักคืออะไร?อธิบาย", "What is love? Explain."),
        ("愛とは何ですか?説明してください。", ""),
        ("Was ist Liebe? Und was ist Hass? Erkläre es.", "Tell me what love and hate are."),
        ("Qu’est-ce que l’amour ? Expliquez.", "Explain love."),
    ],
)
def test_questions_are_questions(text: str, source: str) -> None:
    assert lost_letters(text, source) == 0


def test_english_rows_are_as_they_are() -> None:
    odd = f"{ENGLISH} Café, Łódź, x÷y, ?ber"
    assert verdict(odd, odd, "en") == ("accepted", set())
