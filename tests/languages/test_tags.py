from __future__ import annotations

import pytest

from polyrefuse_data.languages.tags import language_of_tag


@pytest.mark.parametrize(
    ("tag", "flores"),
    [
        ("EN-us", "eng_Latn"),
        ("deu_Latn", "deu_Latn"),
        ("DEU_LATN", "deu_Latn"),
        ("pt-BR", "por_Latn"),
        ("es-419", "spa_Latn"),
        ("de-DE-1996", "deu_Latn"),
        ("zh", "zho_Hans"),
        ("zh_cn", "zho_Hans"),
        ("zh-TW", "zho_Hant"),
        ("zh-hk", "zho_Hant"),
        ("zh-hant", "zho_Hant"),
        ("zh-Hans-HK", "zho_Hans"),  # the script that is named counts more than the region's
        ("zh-Hant-CN", "zho_Hant"),
        ("zh-yue-HK", "yue_Hant"),
        ("zh-cmn-Hans", "zho_Hans"),
        ("ks-Deva", "kas_Deva"),
        ("ko-Kore-KR", "kor_Hang"),
        ("sr-Cyrl-RS", "srp_Cyrl"),
        ("zh-CHT", "zho_Hant"),
        ("zh_CHS", "zho_Hans"),
        ("zh-Hans-CN", "zho_Hans"),
        ("zho-TW", "zho_Hant"),
        ("sr_RS@cyrillic", "srp_Cyrl"),
        ("de_DE.UTF-8", "deu_Latn"),
        ("de_DE@euro", "deu_Latn"),
        ("ENG", "eng_Latn"),
        ("DEU", "deu_Latn"),
        ("GER", "deu_Latn"),
        ("fre-CA", "fra_Latn"),
        ("chi", "zho_Hans"),
        ("ara", "arb_Arab"),
        ("per", "pes_Arab"),
        ("English", "eng_Latn"),
        ("german", "deu_Latn"),
        ("Deutsch", "deu_Latn"),
        ("中文", "zho_Hans"),
        ("Chinese", "zho_Hans"),
        ("Chinese (Simplified)", "zho_Hans"),
        ("Simplified Chinese", "zho_Hans"),
        ("traditional chinese", "zho_Hant"),
        ("Portuguese (Brazil)", "por_Latn"),
        ("Spanish (Latin America)", "spa_Latn"),
        ("Deutsch (Österreich)", "deu_Latn"),
    ],
)
def test_language_of_a_tag(tag: str, flores: str) -> None:
    found = language_of_tag(tag)
    assert found
    assert found.flores == flores


@pytest.mark.parametrize(
    "tag",
    [
        "sr-Latn",
        "sr_RS@latin",
        "Serbian (Latin)",
        "Latin Serbian",
        "Chinese (Macau)",
        "Note (German)",
        "la",
        "Germany",
        "zh-Latn-pinyin",
        "klingon",
        "x-klingon",
        "note",
        "",
        "-",
        "e",
    ],
)
def test_another_script_or_no_language_is_none_of_ours(tag: str) -> None:
    assert language_of_tag(tag) is None
