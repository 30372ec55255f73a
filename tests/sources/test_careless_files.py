"""Files that somebody saved in a hurry, or made to harm: what would be read as something else is an error."""

from __future__ import annotations

import datetime
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyrefuse_data.config import SourceConfig
from polyrefuse_data.errors import SourceError
from polyrefuse_data.sources import load_prompts, read_import, tables
from polyrefuse_data.sources.reading import Reading, read_records
from tests.sources.test_files_of_people import workbook, write


def refused(path: Path, message: str, **fields: Any) -> None:
    with pytest.raises(SourceError, match=message):
        load_prompts([SourceConfig(name="mine", path=path, **{"label": "harmful"} | fields)])


@pytest.mark.parametrize(
    "word",
    [
        "#WERT!", "#BEZUG!", "#ZAHL!", "#NV", "#VALEUR!", "#NOM?", "#¡VALOR!", "#¿NOMBRE?", "#N/D", "#ДЕЛ/0!", "#Н/Д",
        "#SPILL!", "########",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_of_any_country_writes_for_an_error_is_no_prompt(tmp_path: Path, word: str) -> None:
    refused(
        write(tmp_path, "p.csv", f"text;label\n{word};harmful\n"), r"p\.csv:2: text is '#.*', which is not a prompt"
    )


@pytest.mark.parametrize("text", ["#1 on the list?", "#fruit", "# Name a fruit!", "C#", "Rate it 1/5!", "none of it"])
def test_prompts_that_look_a_little_like_one_are_read(tmp_path: Path, text: str) -> None:
    assert read_records(write(tmp_path, "p.jsonl", json.dumps({"text": text})))[0].text() == text


@pytest.mark.parametrize(
    "content",
    [
        "text;label\nName a café;harmful\n".encode() + "Name a naïve thing;harmful\n".encode("cp1252"),
        "text;label\nName “one” fruit;harmful\n".encode() + "Name a café;harmful\n".encode("cp1252"),
        "text;label\nName a naïve thing;harmful\n".encode("mac_roman"),
    ],
    ids=["accents", "quotation-marks", "of-a-mac"],
)
def test_bytes_of_two_encodings_or_of_another_one_are_not_guessed(tmp_path: Path, content: bytes) -> None:
    """Read as Windows-1252, the first said 'Name a cafÃ©', the last 'na•ve'."""
    refused(write(tmp_path, "p.csv", content), r"p\.csv: not UTF-8 \(byte \d+\): save the file as UTF-8")


@pytest.mark.parametrize(
    ("first", "second"), [("0", "0"), ("1", '"1"'), ("1.0", "1"), ('"a"', '" a "'), ("10000000000", "1e10")]
)
def test_an_id_is_the_same_as_number_and_as_text(tmp_path: Path, first: str, second: str) -> None:
    lines = [f'{{"id": {first}, "text": "a"}}', f'{{"id": {second}, "text": "b"}}']
    refused(write(tmp_path, "p.jsonl", "\n".join(lines)), r"p\.jsonl:2: the id .* is already used in")


def test_ids_that_are_nan_are_none(tmp_path: Path) -> None:
    lines = '{"id": NaN, "text": "a"}\n{"id": NaN, "text": "b"}\n{"id": null, "text": "c"}\n'
    assert len(load_prompts([SourceConfig(name="mine", path=write(tmp_path, "p.jsonl", lines), label="harmful")])) == 3


@pytest.mark.parametrize(
    "lines",
    [
        "1,de,Nenne eine Frucht,Name a fruit\n1,fr,Crochète une serrure,Pick a lock\n",
        "1,en,Name a fruit,\n1,fr,Crochète une serrure,Pick a lock\n",
    ],
)
def test_an_id_that_two_prompts_share_across_languages_is_an_error(tmp_path: Path, lines: str) -> None:
    path = write(tmp_path, "m.csv", f"id,language,text,text_en\n{lines}")
    with pytest.raises(SourceError, match=r"m\.csv:3: the id '1' belongs to another English prompt in \S*m\.csv:2 "):
        read_import(path, label="harmless")


def test_two_columns_that_could_be_the_prompt_need_a_word(tmp_path: Path) -> None:
    """Alpaca's `text` is the prompt in a template, its `instruction` the prompt."""
    path = write(tmp_path, "p.csv", "instruction,text\nName a fruit,Below is an instruction: Name a fruit\n")
    refused(path, r'p\.csv:2: text and instruction say different things.*columns = \{ text = "instruction" \}')
    assert read_records(path, Reading({"text": "instruction"}))[0].text() == "Name a fruit"
    same = write(tmp_path, "q.csv", "instruction,text,prompt\nName a fruit,Name a fruit,\n")
    assert read_records(same)[0].text() == "Name a fruit"
    nested = write(tmp_path, "r.jsonl", '{"q": "Name a fruit", "prompt": {"text": "x"}, "instruction": "Be brief"}')
    assert read_records(nested, Reading({"text": "q"}))[0].text() == "Name a fruit"


# --- Parquet --------------------------------------------------------------------------------------------------------


def parquet(folder: Path, **columns: Any) -> Path:
    pq.write_table(pa.table({"label": ["harmful"], **columns}), folder / "p.parquet")
    return folder / "p.parquet"


@pytest.mark.parametrize("kind", [pa.dictionary(pa.int32(), pa.string()), pa.large_string(), pa.string_view()], ids=str)
def test_text_of_any_arrow_type_is_text(tmp_path: Path, kind: pa.DataType) -> None:
    path = parquet(tmp_path, text=pa.array(["Name a fruit"]).cast(kind))
    assert read_records(path)[0].text() == "Name a fruit"


@pytest.mark.parametrize(
    "columns",
    [
        {"text": pa.array([b"a\xff"], pa.binary()).view(pa.string())},
        {"text": ["a"], "when": pa.array([1], pa.timestamp("us", "Mars/Phobos"))},
        {"text": ["a"], "when": pa.array([2**62], pa.date64())},
    ],
    ids=["bytes", "time-zone", "year"],
)
def test_values_that_arrow_cannot_say_are_no_traceback(tmp_path: Path, columns: dict[str, Any]) -> None:
    refused(parquet(tmp_path, **columns), r"p\.parquet: cannot be read as Parquet \(")


def test_columns_of_one_name_are_named(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    pq.write_table(table, tmp_path / "p.parquet")
    refused(tmp_path / "p.parquet", r"p\.parquet: columns 1 and 2 are both called 'text': rename one")


def test_a_folder_is_no_column(tmp_path: Path) -> None:
    """Arrow reads label=harmless in a path as a column that a file does not have."""
    folder = tmp_path / "label=harmless"
    folder.mkdir()
    pq.write_table(pa.table({"text": ["a"]}), folder / "p.parquet")
    assert read_records(folder / "p.parquet")[0].fields == {"text": "a"}


def test_a_small_file_that_says_a_text_very_often_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "WHOLE_FILE_BYTES", 2**20)
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"text": pa.array(["x" * 1000]).take(pa.array([0] * 10_000))}), path)
    assert path.stat().st_size < 20_000
    with pytest.raises(SourceError, match=r"p\.parquet: larger than .* when unpacked"):
        read_records(path)


# --- Excel ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cells", "merged"), [("B2:B3", "label"), ("A1:B1", "heading")])
def test_merged_cells_are_refused(tmp_path: Path, cells: str, merged: str) -> None:
    """The second row is shown with the label of the first, and has none: it took that of the source."""
    openpyxl = pytest.importorskip("openpyxl")
    path = workbook(tmp_path / "p.xlsx", [("text", "label"), ("a", "harmful"), ("b", None)])
    book = openpyxl.load_workbook(path)
    book.active.merge_cells(cells)
    book.save(path)
    refused(path, rf"p\.xlsx: the cells {cells} are merged, and only the first has their value: unmerge")


def test_a_formula_that_no_program_has_computed_is_not_empty(tmp_path: Path) -> None:
    """Libraries write formulas without values: the cell was told to be empty."""
    path = workbook(tmp_path / "p.xlsx", [("text",), ('="Name a "&"fruit."',)])
    refused(path, r"p\.xlsx: the formula in A2 was saved without its value: open the file in a spreadsheet program")


@pytest.mark.parametrize(
    "value", [b'<c r="A2" t="str"><f>B2</f><v>Name a fruit.</v></c>', b'<c r="A2" t="str"><v>x</v></c>']
)
def test_a_formula_with_its_value_is_that_value(tmp_path: Path, value: bytes) -> None:
    path = workbook(tmp_path / "p.xlsx", [("text", "note"), ("=B2", "left alone")])
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    empty = b'<c r="B2" t="str"><f>IF(1,"")</f><v></v></c>'  # Excel's way to write a formula that gives ""
    parts[sheet] = re.sub(rb'<c r="A2".*?</c>', value, parts[sheet])
    parts[sheet] = re.sub(rb'<c r="B2".*?</c>', empty, parts[sheet])
    with zipfile.ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)
    assert read_records(path)[0].text() in ("Name a fruit.", "x")


def test_a_date_in_place_of_text_tells_what_helps_in_a_spreadsheet(tmp_path: Path) -> None:
    path = workbook(tmp_path / "p.xlsx", [("text",), (datetime.date(2026, 3, 1),)])
    refused(path, r"p\.xlsx row 2: text is a date, not text: .*format the cell as text")


def test_what_excel_escapes_is_read_as_it_was(tmp_path: Path) -> None:
    """Excel writes a carriage return as _x000D_, and the text _x0041_ as _x005F_x0041_."""
    path = workbook(tmp_path / "p.xlsx", [("text",), ("Name_x000D_\na fruit, not _x005F_x0041_",)])
    assert read_records(path)[0].text() == "Name\r\na fruit, not _x0041_"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600), r"p\.xlsx: an old \.xls, or protected by a password"),
        ("p.xls", b"", r"cannot read \.xls: save it as \.xlsx"),
        ("p.txt", b"", r"cannot read \.txt: name it \.tsv if tabs"),
        ("p.zip", b"", r"cannot read \.zip: unpack it"),
        ("p.json", b'{"data": [{"text": "a"}]}', r"a record at the top.*give the list in 'data' alone"),
        ("p.csv", b"Our prompts 2024\ntext,label\na,harmful\n", r"p\.csv:2: more fields than the header, which has 1"),
        ("p.csv", b"Prompts,,\ntext,label\na,harmful\n", r"p\.csv:2: .* or remove what is above the header"),
    ],
)
def test_the_message_says_what_to_do(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    refused(write(tmp_path, name, content), message)
