from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polyrefuse_data.errors import SourceError
from polyrefuse_data.sources.reading import NOTHING, read_records


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.jsonl", '{"text": "One, two", "label": "harmless"}\n\n{"text": "Three", "label": null}\n'),
        ("p.jsonl", '\ufeff{"text": "One, two", "label": "harmless"}\r\n{"text": "Three"}'),
        ("p.csv", 'text,label\n"One, two",harmless\nThree,\n'),
        ("p.csv", '\ufefftext,label\r\n"One, two",harmless\r\nThree,\r\n'),
        ("p.json", '[{"text": "One, two", "label": "harmless"}, {"text": "Three", "label": "  "}]'),
    ],
)
def test_the_three_formats_say_the_same(tmp_path: Path, name: str, content: str) -> None:
    records = read_records(write(tmp_path, name, content))
    said = [(record.text(), record.string("label")) for record in records]
    assert said == [("One, two", "harmless"), ("Three", None)]


def is_prompt(text: str) -> bool:
    return bool(text.strip()) and not NOTHING.fullmatch(text.strip())


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])).filter(is_prompt), min_size=1, max_size=5)


def as_jsonl(texts: list[str]) -> str:
    return "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)


def as_json(texts: list[str]) -> str:
    return json.dumps([{"text": text} for text in texts], indent=4)


def as_csv(texts: list[str]) -> str:
    rows = io.StringIO()
    csv.writer(rows, quoting=csv.QUOTE_ALL).writerows([["text"], *([text] for text in texts)])
    return rows.getvalue()


@given(TEXTS, st.sampled_from([(".jsonl", as_jsonl), (".json", as_json), (".csv", as_csv)]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_prompt_reads_back_as_it_was_written(
    tmp_path: Path, texts: list[str], form: tuple[str, Callable[[list[str]], str]]
) -> None:
    ending, written = form
    records = read_records(write(tmp_path, f"p{ending}", written(texts)))
    assert [record.text() for record in records] == [text.strip() for text in texts]


def test_a_line_separator_inside_a_string_is_text(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, "p.jsonl", '{"text": "one\u2028two\x85three"}\n'))
    assert [record.text() for record in records] == ["one\u2028two\x85three"]


def test_a_prompt_over_several_lines_of_csv_is_one(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, "p.csv", 'text\n"one\ntwo"\nthree\n'))
    assert [record.text() for record in records] == ["one\ntwo", "three"]
    assert records[1].where.endswith("p.csv:4")


def test_a_very_long_prompt_is_read(tmp_path: Path) -> None:
    assert len(read_records(write(tmp_path, "p.csv", "text\n" + "a" * 200_000))[0].text()) == 200_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.jsonl", '{"text": "a"}\n{"text": }\n', r"p\.jsonl:2: broken JSON at column 10"),
        ("p.jsonl", '{"text": "a"}\n["b"]\n', r"p\.jsonl:2: a list, not a record"),
        ("p.jsonl", "", r"p\.jsonl: no records"),
        ("p.json", '[{"text": "a"},\n {"text"]', r"p\.json: broken JSON at line 2, column 9"),
        ("p.json", '{"text": "a"}', r"p\.json: a record at the top, not a list"),
        ("p.json", "[]", r"p\.json: no records"),
        ("p.json", '["a"]', r"p\.json item 1: text, not a record"),
        ("p.json", "[" + "1" * 5000 + "]", r"p\.json: Exceeds the limit"),
        ("p.json", "[" * 200_000, r"p\.json: the JSON is nested too deep"),
        ("p.csv", "text\n", r"p\.csv: no records"),
        ("p.csv", "", r"p\.csv: no records"),
        ("p.csv", 'text\n"a\n', r"p\.csv:2: broken CSV"),
        ("p.csv", "text\na,b\n", r"p\.csv:2: more fields than the header"),
        ("p.jsonl", '{"text": "ü"}'.encode("latin-1"), r"p\.jsonl: not UTF-8 \(byte 11\): save the file as UTF-8"),
        ("p.csv", "text\nПривет, мир".encode("cp1251"), r"p\.csv: not UTF-8 \(byte 6\): .* or say its encoding"),
        ("p.csv", "text\nZrób błąd".encode("cp1250"), r"p\.csv: not UTF-8"),
        ("p.xlsx", "", r"p\.xlsx: not an Excel workbook \(File is not a zip file\)"),
        ("p.docx", "", r"p\.docx: cannot read \.docx: give \.jsonl, \.ndjson, \.json, \.csv, \.tsv, \.xlsx, \.parquet"),
        ("p.xlsx.gz", "", r"p\.xlsx\.gz: cannot read"),
        ("p.jsonl.gz", b"\x1f\x8b\x08", r"p\.jsonl\.gz: cannot be unpacked"),
        ("p.parquet", "PAR1", r"p\.parquet: cannot be read as Parquet"),
    ],
)
def test_broken_files_are_named_with_the_line(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_records(write(tmp_path, name, content))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.json does not exist"):
        read_records(tmp_path / "none.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(SourceError, match=r"folder\.json: cannot be read"):
        read_records(tmp_path / "folder.json")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ('{"text": null}', r":1: text is empty: write the prompt"),
        ('{"text": " \\t"}', r":1: text is empty"),
        ('{"text": 3}', r":1: text is a number, not text"),
        ('{"text": true}', r":1: text is true or false, not text"),
        ('{"text": ["a"]}', r":1: text is a list, not text"),
        ('{"question": "a"}', r":1: no prompt, only question: name the field text or instruction or prompt"),
        ("{}", r":1: no prompt, only an empty record"),
        ('{"text": "ab\\ud83d"}', r":1: text contains half a character \(a lone surrogate, U\+D83D, at character 3\)"),
    ],
)
def test_a_record_without_a_usable_prompt_names_line_and_mend(tmp_path: Path, record: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_records(write(tmp_path, "p.jsonl", record))[0].text()
