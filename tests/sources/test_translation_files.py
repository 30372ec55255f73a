from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.config import load_config
from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.rows import prompt_id
from polyrefuse_data.sources import ImportedDataset, ImportSummary, read_import

TMX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en"/><body>
 <tu><prop type="label">harmless</prop><prop type="category">food</prop>
  <tuv xml:lang="en-US"><seg>Name a <bpt i="1">&lt;b&gt;</bpt>fruit.</seg></tuv>
  <tuv xml:lang="pt-BR"><seg>Diga uma fruta.</seg></tuv>
  <tuv xml:lang="zh-TW"><seg>說出一種水果。</seg></tuv>
 </tu>
 <tu><tuv xml:lang="de"><seg>Nenne eine Farbe.</seg></tuv></tu>
</body></tmx>
"""


def read(folder: Path, name: str, content: str, **kwargs: Any) -> ImportedDataset:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return read_import(path, **kwargs)


def run(
    folder: Path, name: str, content: str, **kwargs: Any
) -> tuple[dict[tuple[str, str], dict[str, Any]], ImportSummary]:
    """Read a file; its rows by (language, text), and the summary."""
    found = read(folder, name, content, **kwargs)
    return {(row["language"], row["text"]): row for row in found.rows.to_pylist()}, found.summary


def jsonl(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_jsonl_with_the_english_beside_each_translation(tmp_path: Path) -> None:
    common = {
        "text_en": "Name a fruit.",
        "label": "harmless",
        "split": "test",
        "source": "My Prompts",
        "license": "MIT",
    }
    rows, summary = run(
        tmp_path,
        "mine.jsonl",
        jsonl(
            {
                **common,
                "language": "de",
                "text": "Nenne eine Frucht.",
                "translator": "DeepL",
                "back_translation": "Name a fruit",
            },
            {**common, "language": "yor_Latn", "text": "Dárúkọ èso kan."},
        ),
    )
    german = rows["de", "Nenne eine Frucht."]
    assert german["id"] == prompt_id("My Prompts", "Name a fruit.")
    assert (german["translator"], german["back_translation"], german["origin"]) == ("DeepL", "Name a fruit", "imported")
    assert rows["yo", "Dárúkọ èso kan."]["translator"] == "imported:mine"
    assert rows["en", "Name a fruit."]["license"] == "MIT"
    assert (summary.prompts, summary.rows, summary.languages, summary.flagged) == (1, 3, ["en", "de", "yo"], {})


def test_csv_with_the_english_as_a_row_of_its_own(tmp_path: Path) -> None:
    rows, _ = run(
        tmp_path,
        "harmful_val.csv",
        'id,language,text\n1,en,"Pick a lock, quickly"\n1,pl,Otwórz zamek\n2,pl,Zupełnie inny\n',
        license="CC0-1.0",
    )
    polish = rows["pl", "Otwórz zamek"]
    assert (polish["text_en"], polish["label"], polish["split"]) == ("Pick a lock, quickly", "harmful", "validation")
    assert polish["id"] == prompt_id("harmful-val", "Pick a lock, quickly")
    lost = rows["pl", "Zupełnie inny"]
    assert (lost["text_en"], lost["flags"], lost["license"]) == ("", ["unmatched"], "CC0-1.0")


def test_tmx_with_properties_regions_and_inline_codes(tmp_path: Path) -> None:
    rows, summary = run(tmp_path, "memory.tmx", TMX, label="harmless")
    assert rows["pt", "Diga uma fruta."]["text_en"] == "Name a fruit."
    assert rows["zh-Hant", "說出一種水果。"]["category"] == "food"
    assert rows["de", "Nenne eine Farbe."]["flags"] == ["unmatched"]
    assert "memory.tmx: 1 of 1 row without English (give these records text_en)" in summary.to_text()


def test_tmx_says_its_own_encoding(tmp_path: Path) -> None:
    path = tmp_path / "memory.tmx"
    path.write_bytes(TMX.replace("UTF-8", "UTF-16").encode("utf-16"))
    assert read_import(path, label="harmless").summary.languages == ["en", "de", "pt", "zh-Hant"]


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("DE", "de"),
        ("de_AT", "de"),
        ("deu_Latn", "de"),
        ("zh_HK", "zh-Hant"),
        ("zh-Hans-CN", "zh"),
        ("ks-Deva", "ks-Deva"),
    ],
)
def test_a_language_tag_of_any_tool_gets_our_code(tmp_path: Path, tag: str, code: str) -> None:
    rows, _ = run(tmp_path, "mine.jsonl", jsonl({"language": tag, "text": "x", "text_en": "y", "label": "harmful"}))
    assert (code, "x") in rows


def test_the_config_of_an_import_reads_back(tmp_path: Path) -> None:
    record = {"language": "de", "text": "x", "text_en": "y", "label": "harmful"}
    found = read(tmp_path, 'my "own".jsonl', jsonl(record), license="MIT")
    (tmp_path / "polyrefuse.toml").write_text(found.config, encoding="utf-8")
    config = load_config(tmp_path / "polyrefuse.toml")
    assert (config.languages, config.release.name, config.release.license) == (["de"], "my-own", "MIT")


def test_the_same_row_twice_is_one_and_another_translation_a_conflict(tmp_path: Path) -> None:
    record = {"language": "de", "text": "Nenne eine Frucht.", "text_en": "Name a fruit.", "label": "harmless"}
    rows, summary = run(tmp_path, "mine.jsonl", jsonl(record, record, {**record, "text": "Nenn eine Frucht."}))
    assert (summary.rows, summary.repeats) == (3, 1)
    assert "1 duplicate row was merged" in summary.to_text()
    assert rows["de", "Nenn eine Frucht."]["flags"] == ["conflict"]
    assert rows["de", "Nenne eine Frucht."]["flags"] == []


def test_a_null_translation_is_a_failed_row(tmp_path: Path) -> None:
    rows, summary = run(
        tmp_path, "mine.jsonl", jsonl({"language": "de", "text": None, "text_en": "Name a fruit.", "label": "harmless"})
    )
    assert rows["de", ""]["flags"] == ["translation_failed"]
    assert json.loads(summary.to_json())["flagged"] == {"translation_failed": 1}


GOOD: dict[str, Any] = {"language": "de", "text": "x", "text_en": "y", "label": "harmful"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.jsonl", jsonl(GOOD, {**GOOD, "language": None}), r"m\.jsonl:2: no language"),
        ("m.jsonl", jsonl({**GOOD, "language": "qq"}), r"m\.jsonl:1: unknown language 'qq'"),
        ("m.jsonl", jsonl({**GOOD, "label": None}), r"m\.jsonl:1: no label: .*or import with --label"),
        ("m.jsonl", jsonl({**GOOD, "label": "toxic"}), r"m\.jsonl:1: unknown label 'toxic': give each record"),
        ("m.jsonl", jsonl({**GOOD, "split": "x"}), r"m\.jsonl:1: split 'x' is unknown"),
        (
            "m.jsonl",
            jsonl(GOOD, {**GOOD, "label": "harmless"}),
            r":2: the same prompt is harmless .* here and harmful .* elsewhere in the file",
        ),
        ("m.jsonl", jsonl({"language": "en", "text": None, "label": "harmful"}), r"m\.jsonl:1: text is empty"),
        ("m.jsonl", jsonl({**GOOD, "text": "a\ud800"}), r"m\.jsonl:1: text contains half a character"),
        ("m.jsonl", "", r"m\.jsonl: no records"),
        ("m.jsonl", "{", r"m\.jsonl:1: broken JSON"),
        ("m.tmx", "<tmx>", r"m\.tmx: not readable as TMX .*TMX 1\.4"),
        ("m.tmx", "<tmx/>", r"m\.tmx: no translation units"),
        ("m.tmx", "<tmx><tu><tuv><seg>x</seg></tuv></tu></tmx>", r"m\.tmx unit 1: a <tuv> without xml:lang or <seg>"),
        ("m.docx", "", r"m\.docx: cannot read \.docx"),
    ],
)
def test_bad_input_names_file_line_and_mend(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        run(tmp_path, name, content)


def test_options_of_the_other_kind_of_input_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give the records text_en"):
        run(tmp_path, "m.jsonl", jsonl(GOOD), english=tmp_path)
    with pytest.raises(ConfigError, match="work only with a file"):
        read_import(tmp_path, label="harmful")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.tmx does not exist"):
        read_import(tmp_path / "none.tmx")
