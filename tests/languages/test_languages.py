from __future__ import annotations

import pytest

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import (
    LANGUAGES,
    TARGET_LANGUAGES,
    describe_languages,
    language,
    nllb_languages,
)
from polyrefuse_data.text.scripts import SCRIPT_NAMES


def test_the_papers_languages_in_its_order() -> None:
    assert list(LANGUAGES) == ["en", "ar", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "ru", "th", "yo", "zh"]
    assert tuple(LANGUAGES)[1:] == TARGET_LANGUAGES


def test_the_table_holds_exactly_the_codes_of_the_nllb_tokenizer() -> None:
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    flores = [known.flores for known in nllb_languages().values()]
    assert sorted(flores) == sorted(FAIRSEQ_LANGUAGE_CODES)
    assert len(nllb_languages()) == 202


@pytest.mark.parametrize(
    ("flores", "code"),
    [
        ("ibo_Latn", "ig"),
        ("ydd_Hebr", "yi"),
        ("lvs_Latn", "lv"),
        ("als_Latn", "sq"),
        ("pes_Arab", "fa"),
        ("zho_Hant", "zh-Hant"),
        ("kas_Deva", "ks-Deva"),
        ("ceb_Latn", "ceb"),
        ("arb_Arab", "ar"),
    ],
)
def test_a_flores_code_gets_its_bcp47_code_and_back(flores: str, code: str) -> None:
    assert language(flores).code == code
    assert language(code).flores == flores


def test_every_script_has_its_unicode_names() -> None:
    assert {known.script for known in nllb_languages().values()} <= set(SCRIPT_NAMES)
    assert language("sat").scripts == ("Ol_Chiki",)  # NLLB's code says Bengali; the language is not written in it


def test_identifiers_count_dialects_and_macrolanguages() -> None:
    assert "arz" in language("ar").identifiers
    assert "no" in language("nob_Latn").identifiers


@pytest.mark.parametrize("code", ["xx", "ibo", "ibo_Cyrl", "", "german"])
def test_an_unknown_code_names_the_mend(code: str) -> None:
    with pytest.raises(ConfigError, match="polyrefuse languages --all"):
        language(code)


def test_a_slip_in_a_code_names_the_code_that_was_meant() -> None:
    with pytest.raises(ConfigError, match=r"ig \(Igbo\)"):
        language("igbo_Latn")


def test_describe_languages_lists_14_or_all() -> None:
    assert [row["code"] for row in describe_languages()] == list(LANGUAGES)
    assert len(describe_languages(everything=True)) == 202
    assert describe_languages()[1] == {"code": "ar", "flores": "arb_Arab", "script": "Arab", "name": "Arabic"}
