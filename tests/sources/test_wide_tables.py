"""Tables with a column for each language, as people keep them, and files of one language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.rows import prompt_id
from polyrefuse_data.sources import read_import
from polyrefuse_data.sources.reading import Reading


def rows_of(path: Path, content: str, **options: Any) -> list[dict[str, Any]]:
    path.write_text(content, encoding="utf-8")
    return read_import(path, label="harmless", **options).rows.to_pylist()


def texts(rows: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(row["language"], row["text"], row["text_en"]) for row in rows}


def test_a_row_is_a_translation_into_each_language_that_names_a_column(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path / "sheet.csv",
        "id;English;German;zh-CN;tags;is_safe\n7;Name a fruit.;Nenne eine Frucht.;说出一种水果。;food;yes\n",
    )
    assert texts(rows) == {
        ("en", "Name a fruit.", "Name a fruit."),
        ("de", "Nenne eine Frucht.", "Name a fruit."),
        ("zh", "说出一种水果。", "Name a fruit."),
    }
    assert {row["id"] for row in rows} == {prompt_id("sheet", "Name a fruit.")}


def test_json_with_a_key_for_each_language(tmp_path: Path) -> None:
    rows = rows_of(tmp_path / "x.jsonl", json.dumps({"line": 0, "en": "Say yes.", "yo": "Sọ bẹ́ẹ̀ ni."}) + "\n")
    assert ("yo", "Sọ bẹ́ẹ̀ ni.", "Say yes.") in texts(rows)


def test_a_column_of_any_name_can_hold_the_english(tmp_path: Path) -> None:
    content = "prompt,de\nName a fruit.,Nenne eine Frucht.\n"
    rows = rows_of(tmp_path / "x.csv", content, reading=Reading({"en": "prompt"}))
    assert ("de", "Nenne eine Frucht.", "Name a fruit.") in texts(rows)


def test_an_empty_cell_is_a_failed_translation_or_one_without_its_prompt(tmp_path: Path) -> None:
    rows = rows_of(tmp_path / "x.csv", "en,de,fr\nName a fruit.,,Nomme un fruit.\n,Nenne eine Farbe.,\n")
    flags = {(row["language"], row["text"]): row["flags"] for row in rows}
    assert flags["de", ""] == ["translation_failed"]
    assert flags["fr", "Nomme un fruit."] == []
    assert flags["de", "Nenne eine Farbe."] == ["unmatched"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("en,de,German\na,b,c\n", "x.csv:2: the columns de and German are both German: remove one"),
        ("en,de,fr,back_translation\na,b,c,d\n", "back_translation could belong to any of en, de, fr"),
        ("Source,Target,Locale\na,b,de\n", "--columns language=COLUMN .the file has Source, Target, Locale., or"),
    ],
)
def test_what_cannot_be_told_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        rows_of(tmp_path / "x.csv", content)


def test_a_file_of_one_language_is_told_its_language(tmp_path: Path) -> None:
    reading = Reading({"text_en": "original", "text": "mt"})
    rows = rows_of(
        tmp_path / "x.csv", "original,mt\nName a fruit.,Nenne eine Frucht.\n", language="de", reading=reading
    )
    assert ("de", "Nenne eine Frucht.", "Name a fruit.") in texts(rows)
    assert (
        rows_of(tmp_path / "y.csv", "text,text_en,language\nUna frutta.,A fruit.,it\n", language="de")[1]["language"]
        == "it"
    )


def test_translations_under_an_unknown_name_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"no record has a text: .* --columns text=COLUMN .the file has original, mt."
    ):
        rows_of(tmp_path / "x.csv", "original,mt\nName a fruit.,Nenne eine Frucht.\n", language="de")


def test_the_language_of_a_memory_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "x.tmx").write_text("<tmx/>")
    with pytest.raises(ConfigError, match="--language, --columns, --labels and --encoding work only with a table"):
        read_import(tmp_path / "x.tmx", language="de")
