from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from polyrefuse_data.errors import SourceError
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Request, Translation, fingerprint, translate_requests
from polyrefuse_data.translation.memory import TranslationMemory

EN, DE, FR, ZH, HANT = map(language, ("en", "de", "fr", "zh", "zho_Hant"))

TMX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en-US" segtype="sentence" datatype="plaintext" o-tmf="x" adminlang="en"
 creationtool="x" creationtoolversion="1"/><body>
<tu><tuv xml:lang="en-US"><seg>Press <bpt i="1">&lt;b&gt;</bpt>OK<ept i="1">&lt;/b&gt;</ept>.</seg></tuv>
    <tuv xml:lang="de-DE"><seg>Drücken Sie <bpt i="1">&lt;b&gt;</bpt>OK<ept i="1">&lt;/b&gt;</ept>.</seg></tuv></tu>
<tu><tuv xml:lang="EN"><seg>Hello</seg></tuv><tuv xml:lang="zh-Hans"><seg>你好</seg></tuv></tu>
</body></tmx>"""


def memory(tmp_path: Path, name: str, content: str | bytes) -> TranslationMemory:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return TranslationMemory([path])


def ask(found: TranslationMemory, text: str, source: object = EN, target: object = DE) -> object:
    return translate_requests(found, [Request(text, source, target)])[0]  # type: ignore[arg-type]


def test_tmx_with_inline_tags_and_regional_codes(tmp_path: Path) -> None:
    found = memory(tmp_path, "m.tmx", TMX)
    assert ask(found, "Press <b>OK</b>.") == Translation("Drücken Sie <b>OK</b>.", origin="human")
    assert ask(found, "Hello", EN, ZH) == Translation("你好", origin="human")
    assert ask(found, "你好", ZH, EN) == Translation("Hello", origin="human")
    assert ask(found, "Hello", EN, DE) == Failure("no_match")


def test_a_prompt_matches_with_its_codes_or_without_as_an_import_has_it(tmp_path: Path) -> None:
    found = memory(tmp_path, "m.tmx", TMX)
    assert ask(found, "Press OK.") == Translation("Drücken Sie OK.", origin="human")
    assert ask(found, "Drücken Sie <b>OK</b>.", DE, EN) == Translation("Press <b>OK</b>.", origin="human")


XLIFF = """<?xml version="1.0"?>
<xliff version="1.2"><file source-language="en-US" target-language="GER" datatype="plaintext" original="x"><body>
<trans-unit id="1"><source>Press <g id="1">OK</g> <x id="2"/>now.</source>
<target>Drücken Sie <g id="1">jetzt</g> <x id="2"/>OK.</target></trans-unit></body></file></xliff>"""


def test_xliff_is_a_memory_too(tmp_path: Path) -> None:
    for name in ("m.xlf", "m.xliff"):
        assert ask(memory(tmp_path, name, XLIFF), "Press OK now.") == Translation(
            "Drücken Sie jetzt OK.", origin="human"
        )


@pytest.mark.parametrize("tag", ["klingon", "Germany", "x", "de DE", "und so weiter"])
def test_a_tag_that_is_none_is_an_error_that_lists_it(tmp_path: Path, tag: str) -> None:
    with pytest.raises(SourceError, match=rf"{tag}: not a language code; write BCP 47"):
        memory(tmp_path, "m.tmx", TMX.replace("de-DE", tag)).prepare([])
    with pytest.raises(SourceError, match=rf"{tag}: not a language code; write BCP 47"):
        memory(tmp_path, "m.xlf", XLIFF.replace("GER", tag)).prepare([])


def test_a_language_beyond_ours_is_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = memory(tmp_path, "m.tmx", TMX.replace("de-DE", "la"))
    assert ask(found, "Hello", EN, ZH) == Translation("你好", origin="human")
    assert "skipped the texts in la" in caplog.text


def test_lines_that_name_no_languages_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no line has texts in two languages, only source, target"):
        memory(tmp_path, "m.jsonl", '{"source": "a", "target": "b"}').prepare([])


def test_tmx_in_utf_16(tmp_path: Path) -> None:
    content = TMX.replace("UTF-8", "UTF-16").encode("utf-16")
    assert ask(memory(tmp_path, "m.tmx", content), "Hello", EN, ZH) == Translation("你好", origin="human")


def test_csv_as_spreadsheets_save_it(tmp_path: Path) -> None:
    for delimiter in (",", ";"):
        rows = ("en|de|", '"Good, day"|"Guten\nTag; ja"|', "||", "")
        text = "\ufeff" + "\r\n".join(row.replace("|", delimiter) for row in rows)
        assert ask(memory(tmp_path, "m.csv", text), "Good, day") == Translation("Guten\nTag; ja", origin="human")


@pytest.mark.parametrize(("encoding", "is_a_guess"), [("cp1252", True), ("utf-16", False)])
def test_tables_in_the_encoding_that_a_spreadsheet_saved(
    tmp_path: Path, encoding: str, is_a_guess: bool, caplog: pytest.LogCaptureFixture
) -> None:
    for name, delimiter in (("m.csv", ";"), ("m.tsv", "\t")):
        text = f"English{delimiter}Deutsch\nHow do I bake cheesecake?{delimiter}Wie backe ich Käsekuchen?\n"
        found = ask(memory(tmp_path, name, text.encode(encoding)), "How do I bake cheesecake?")
        assert found == Translation("Wie backe ich Käsekuchen?", origin="human")
        assert ("m.csv: not UTF-8; read as cp1252, e.g. 'Käsekuchen?'" in caplog.text) == is_a_guess


def test_tsv_and_jsonl_by_code_or_flores_code(tmp_path: Path) -> None:
    assert ask(memory(tmp_path, "m.tsv", "en\tdeu_Latn\r\nGood day\tGuten Tag\r\n\r\n"), "Good day") == Translation(
        "Guten Tag", origin="human"
    )
    lines = [{"en": "One", "de": "Eins", "note": 5}, {"en": "Two\nlines", "de": "Zwei\nZeilen"}]
    found = memory(tmp_path, "m.jsonl", "\n".join(map(json.dumps, lines)))
    assert ask(found, "Two\nlines") == Translation("Zwei\nZeilen", origin="human")


def test_match_is_exact_but_for_outer_space_and_composition(tmp_path: Path) -> None:
    found = memory(tmp_path, "m.tsv", "en\tde\nCafé\tKaffee\nempty\t\nCafé\tsecond\n")
    assert ask(found, " Cafe\u0301\n") == Translation("Kaffee", origin="human")  # the first of two wins
    assert ask(found, "café") == Failure("no_match")
    assert ask(found, "empty") == Failure("no_match")


def of_one_unit(variants: list[tuple[str, str]]) -> dict[str, str]:
    """A memory of one unit in each format, by file name."""
    tags, texts = zip(*variants, strict=True)
    tuvs = "".join(f'<tuv xml:lang="{tag}"><seg>{text}</seg></tuv>' for tag, text in variants)
    return {
        "m.tmx": f"<tmx version='1.4'><header/><body><tu>{tuvs}</tu></body></tmx>",
        "m.tsv": "\t".join(tags) + "\n" + "\t".join(texts) + "\n",
        "m.jsonl": json.dumps(dict(variants)),
    }


CHINESE = [("en-US", "Computer"), ("zh-CN", "电脑"), ("zh-TW", "電腦"), ("zh-SG", "计算机"), ("zh-HK", "計算機")]


@pytest.mark.parametrize("name", of_one_unit(CHINESE))
@pytest.mark.parametrize("variants", [CHINESE, [*CHINESE[:1], *CHINESE[:0:-1]]], ids=["as listed", "reversed"])
def test_traditional_and_simplified_chinese_are_two_languages(
    tmp_path: Path, name: str, variants: list[tuple[str, str]]
) -> None:
    found = memory(tmp_path, name, of_one_unit(variants)[name])
    texts = dict(variants)
    simplified, traditional = (
        next(text for tag, text in variants if tag in tags) for tags in (("zh-CN", "zh-SG"), ("zh-TW", "zh-HK"))
    )
    assert ask(found, texts["en-US"], EN, ZH) == Translation(simplified, origin="human")  # the first of the language
    assert ask(found, texts["en-US"], EN, HANT) == Translation(traditional, origin="human")
    assert ask(found, traditional, HANT, EN) == Translation("Computer", origin="human")
    assert ask(found, traditional, ZH, EN) == Failure("no_match")


@pytest.mark.parametrize("name", of_one_unit(CHINESE))
@pytest.mark.parametrize("tag", ["zh-Hant", "zh-hant-tw", "zh_HK", "zho_Hant", "zh-TW"])
def test_only_traditional_chinese_is_no_simplified(tmp_path: Path, name: str, tag: str) -> None:
    found = memory(tmp_path, name, of_one_unit([("en", "Computer"), (tag, "電腦")])[name])
    assert ask(found, "Computer", EN, ZH) == Failure("no_match")
    assert ask(found, "Computer", EN, HANT) == Translation("電腦", origin="human")


@pytest.mark.parametrize("name", of_one_unit(CHINESE))
def test_empty_variant_gives_way_to_the_next_of_its_language(tmp_path: Path, name: str) -> None:
    found = memory(tmp_path, name, of_one_unit([("en", "Yes"), ("de-AT", " "), ("de-CH", "Ja"), ("de", "Doch")])[name])
    assert ask(found, "Yes") == Translation("Ja", origin="human")


def test_fingerprint_is_that_of_the_content(tmp_path: Path) -> None:
    before = fingerprint(memory(tmp_path, "m.tsv", "en\tde\na\tb\n").settings)
    assert fingerprint(memory(tmp_path, "n.tsv", "en\tde\na\tb\n").settings) == before
    assert fingerprint(memory(tmp_path, "m.tsv", "en\tde\na\tc\n").settings) != before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.tmx", "<tmx><body>", "not readable as TMX"),
        ("m.tsv", "en\tde\none\n", r"line 2 has 1 column, but the header has 2"),
        ("m.tsv", "english\n", r"line 1 must name the languages"),
        ("m.csv", "", r"line 1 must name the languages of the columns, e.g. en;de"),
        ("m.csv", 'en,de\n"one,eins\n', r"line 2: broken CSV"),
        ("m.csv", "en,de\none\n", r"line 2 has 1 column, but the header has 2"),
        ("m.tsv", "source\ttarget\nYes\tJa\n", r"line 1 must name the languages"),
        ("m.jsonl", '{"en": "a"}\n{"en": ', r"line 2 is not JSON"),
        ("m.jsonl", '["a"]', r"line 1 must be an object"),
        ("m.tsv", "en\tru\nYes, thank you\tДа, спасибо\n".encode("cp1251"), "not UTF-8"),
        ("m.doc", "x", r"must be one of \.tmx, \.xlf, \.xliff, \.tsv, \.csv, \.jsonl"),
    ],
)
def test_broken_files_are_named_before_anything_is_translated(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        memory(tmp_path, name, content).prepare([])


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.tmx: cannot read"):
        TranslationMemory([tmp_path / "gone.tmx"]).prepare([])


def test_files_are_read_at_the_start_with_assertions_off_too(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from polyrefuse_data.translation.memory import TranslationMemory; "
        f"TranslationMemory([Path({str(tmp_path / 'gone.tmx')!r})]).prepare([])"
    )
    done = subprocess.run([sys.executable, "-O", "-c", program], capture_output=True, text=True)
    assert "cannot read this translation memory" in done.stderr
