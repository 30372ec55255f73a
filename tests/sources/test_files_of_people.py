"""Files as people have them: what Excel saves in any country, columns and labels of any name, and what goes wrong."""

from __future__ import annotations

import gzip
import io
import json
import logging
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyrefuse_data.config import SourceConfig
from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.release import load_release, write_release
from polyrefuse_data.sources import load_prompts, read_import
from polyrefuse_data.sources.reading import Reading, read_records
from tests.faults.launcher import Call
from tests.release.conftest import make_rows, make_workspace

ROWS = [("id", "text", "label"), ("007", "Name a café; then two, please", "harmless"), ("1e5", 'Say "no"', "harmful")]
SAID = [("007", "Name a café; then two, please", "harmless"), ("1e5", 'Say "no"', "harmful")]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def said(path: Path, reading: Reading | None = None) -> list[tuple[str | None, ...]]:
    records = read_records(path, reading) if reading else read_records(path)
    return [(record.string("id"), record.text(), record.string("label")) for record in records]


def delimited(delimiter: str, ending: str = "\r\n") -> str:
    lines = [delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in ROWS]
    return "".join(line + ending for line in lines)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", delimited(";").encode("utf-8-sig")),  # "CSV UTF-8" of most of Europe
        ("p.csv", delimited(";").encode("cp1252")),  # "CSV" there
        ("p.csv", delimited(",").encode("utf-8")),
        ("p.csv", delimited("\t").encode("utf-16")),  # "Unicode text", given the name .csv
        ("p.csv", delimited("\t").encode("utf-16-be")),
        ("p.csv", delimited("|").encode("utf-8")),
        ("p.csv", b"sep=;\r\n" + delimited(";").encode("utf-8")),  # Excel's own first line
        ("p.csv", (delimited(";") + ";;\r\n;;\r\n").encode()),  # rows that were emptied, not deleted
        ("p.csv", delimited(";").replace("\r\n", ";;\r\n").encode()),  # and columns
        ("p.tsv", delimited("\t", "\n").encode()),
        ("p.csv.gz", gzip.compress(delimited(",").encode())),
    ],
)
def test_what_spreadsheets_save_says_the_same(tmp_path: Path, name: str, content: bytes) -> None:
    assert said(write(tmp_path, name, content)) == SAID


def test_a_guessed_encoding_is_shown_with_an_example_and_can_be_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, "p.csv", "text\nName a café\n".encode("cp1252"))
    with caplog.at_level(logging.WARNING):
        assert read_records(path)[0].text() == "Name a café"
    assert "p.csv: not UTF-8; read as cp1252, e.g. 'café'" in caplog.text
    caplog.clear()
    assert read_records(path, Reading(encoding="cp1252"))[0].text() == "Name a café"
    assert not caplog.records
    polish = write(tmp_path, "pl.csv", "text\nZrób błąd\n".encode("cp1250"))
    assert read_records(polish, Reading(encoding="cp1250"))[0].text() == "Zrób błąd"
    with pytest.raises(SourceError, match=r"unknown encoding 'klingon'"):
        read_records(polish, Reading(encoding="klingon"))
    with pytest.raises(SourceError, match="only for CSV and TSV"):
        read_records(write(tmp_path, "p.jsonl", "{}"), Reading(encoding="cp1252"))


def test_json_lines_are_read_packed_and_under_the_name_json(tmp_path: Path) -> None:
    lines = "".join(json.dumps(dict(zip(ROWS[0], row, strict=True))) + "\n" for row in ROWS[1:])
    assert said(write(tmp_path, "p.jsonl.gz", gzip.compress(lines.encode()))) == SAID
    assert said(write(tmp_path, "p.json", lines)) == SAID


def test_parquet_keeps_what_it_holds(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({name: [row[i] for row in ROWS[1:]] for i, name in enumerate(ROWS[0])}), tmp_path / "p.parquet"
    )
    assert said(tmp_path / "p.parquet") == SAID
    pq.write_table(pa.table({"id": [7], "text": ["a"]}), tmp_path / "n.parquet")
    with pytest.raises(SourceError, match=r"n\.parquet row 1: id is a number, not text"):
        read_records(tmp_path / "n.parquet")[0].string("id")


@pytest.mark.parametrize("word", ["nan", "NaN", "NULL", "N/A", "None", "#NAME?", "#VALUE!", "#REF!", "#DIV/0!", "<NA>"])
@pytest.mark.parametrize("name", ["p.csv", "p.jsonl"])
def test_a_word_for_nothing_is_no_prompt(tmp_path: Path, word: str, name: str) -> None:
    text = f"text,category\n{word},{word}\n" if name == "p.csv" else json.dumps({"text": word, "category": word})
    record = read_records(write(tmp_path, name, text))[0]
    assert record.string("category") is None
    with pytest.raises(SourceError, match=rf":\d: text is '{word.replace('?', '[?]')}', which is not a prompt: "):
        record.text()


def test_a_translation_that_is_such_a_word_stays_as_a_failed_one(tmp_path: Path) -> None:
    record = {
        "language": "de",
        "text": "#NAME?",
        "text_en": "Name a fruit.",
        "label": "harmless",
        "category": float("nan"),
    }
    rows = read_import(write(tmp_path, "m.jsonl", json.dumps(record))).rows.to_pylist()
    assert [(row["language"], row["flags"], row["category"]) for row in rows] == [
        ("de", ["translation_failed"], None), ("en", [], None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.csv", "text,label,text\na,b,c\n", r"p\.csv:1: columns 1 and 3 are both called 'text': rename one"),
        ("p.csv", "text;;label\na;b;c\n", r"p\.csv:2: a value in column 2, which has no name"),
        ("p.csv", "text;label\na;harmful\n;\nc;harmful\n", r"p\.csv:3: text is empty"),
        (
            "p.jsonl",
            '{"text": "a"}\n{"text": "b", "text": "c"}\n',
            r"jsonl:2: the key 'text' appears twice .* 'b' and 'c'",
        ),
        ("p.json", '[{"text": "a", "x": {"y": 1, "y": 2}}]', r"p\.json: the key 'y' appears twice .* 1 and 2"),
        (
            "p.csv",
            "id,text\n1,a\n2,b\n1,c\n",
            r"p\.csv:4: the id '1' is already used in \S*p\.csv:2: give each prompt its own",
        ),
        (
            "p.jsonl",
            '{"text": "a", "language": "de"}',
            r"p\.jsonl:1: this prompt is in de, but sources hold English",
        ),
    ],
)
def test_what_would_be_read_wrongly_names_both_places(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        load_prompts([SourceConfig(name="mine", path=write(tmp_path, name, content), label="harmful")])


def test_a_repeated_id_pairs_no_translation_with_another_prompt(tmp_path: Path) -> None:
    """The second English record took the first one's place, and its translation was accepted."""
    lines = ["1,en,Name a fruit", "1,de,Nenne eine Frucht", "1,en,Pick a lock"]
    path = write(tmp_path, "m.csv", "id,language,text\n" + "\n".join(lines))
    with pytest.raises(SourceError, match=r"m\.csv:4: the id '1' is already used in en, in \S*m\.csv:2"):
        read_import(path, label="harmless")


def source(path: Path, **fields: Any) -> SourceConfig:
    return SourceConfig(name="mine", path=path, **fields)


def test_columns_and_labels_of_any_name(tmp_path: Path) -> None:
    path = write(tmp_path, "p.csv", "question;type;text\nPick a lock;Unsafe;x\nName a fruit;safe;y\n")
    table = load_prompts(
        [source(path, columns={"text": "question", "label": "type"}, labels={"unsafe": "harmful", "SAFE": "harmless"})]
    )
    assert dict(zip(table["text"].to_pylist(), table["label"].to_pylist(), strict=True)) == {
        "Pick a lock": "harmful", "Name a fruit": "harmless",
    }  # fmt: skip
    with pytest.raises(SourceError, match=r"p\.csv:2: no column 'q' \(for text\), only question, type, text"):
        load_prompts([source(path, columns={"text": "q"})])
    with pytest.raises(SourceError, match=r"p\.csv:3: label 'safe' is unknown: say what .*unsafe are known"):
        load_prompts([source(path, columns={"label": "type"}, labels={"unsafe": "harmful"})])


@pytest.mark.parametrize("value", [1, 1.0, "1", True, "yes"])
def test_a_label_by_number_or_yes_means_what_the_mapping_says_and_nothing_without(
    tmp_path: Path, value: object
) -> None:
    path = write(tmp_path, "p.jsonl", json.dumps({"text": "a", "label": value}))
    labels: dict[str, Any] = {"1": "harmful", "true": "harmful", "yes": "harmful"}
    assert load_prompts([source(path, labels=labels)])["label"].to_pylist() == ["harmful"]
    with pytest.raises(SourceError, match=r"p\.jsonl:1: label .* is unknown: .*labels = "):
        load_prompts([source(path)])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"columns": {"txt": "a"}, "path": "p.csv"}, "columns"),
        ({"labels": {"1": "bad"}, "path": "p.csv"}, "labels"),
        ({"columns": {"text": "a"}}, "only for a source with a path or hub"),
        ({"hub": "a/b@c"}, "hub and files go together"),
        ({"hub": "a/b@c", "files": "x.csv", "path": "p.csv"}, "path, hub and loader exclude each other"),
    ],
)
def test_settings_that_say_nothing_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SourceConfig(name="mine", **fields)


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet"])
def test_a_releases_own_files_come_back_as_what_they_were(tmp_path: Path, ending: str) -> None:
    """`label` is a class index there, which alone says nothing: other sets call harmful 1."""
    release = write_release(make_workspace(tmp_path / "ws", make_rows(1)), version="1.0.0", out=tmp_path / "rel")
    split = load_release(release)["test"]
    path = tmp_path / f"test.{ending}"
    getattr(split, f"to_{ending.removesuffix('l')}")(str(path))
    rows = read_import(path, license="MIT").rows.to_pylist()
    assert {(row["id"], row["language"], row["label"], row["text"]) for row in rows} == {
        (row["id"], row["language"], ("harmful", "harmless")[row["label"]], row["text"]) for row in split
    }
    if ending == "parquet":  # of 0.1.0, which had no `expected`
        pq.write_table(pq.read_table(path).drop_columns("expected"), path)
        assert read_import(path, license="MIT").rows.to_pylist() == rows


def test_the_command_takes_columns_labels_and_encoding(polyrefuse: Call, tmp_path: Path) -> None:
    lines = "Sprache;Frage;Englisch;Typ\nde;Nenne eine Frucht für mich;Name a fruit for me;0\n"
    path = write(tmp_path, "m.csv", lines.encode("cp1252"))
    said = ["--columns", "language=Sprache,text=Frage", "--columns", "text_en=Englisch", "--columns", "label=Typ"]
    done = polyrefuse("import", path, "--out", tmp_path / "ws", "--dry-run", "--json", *said, "--labels", "0=harmless")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 2 and "read as cp1252, e.g. 'für'" in done.stderr
    done = polyrefuse("import", path, "--out", tmp_path / "ws", "--columns", "text")
    assert done.returncode == 2 and "--columns 'text': write NAME=VALUE" in done.stderr
    with pytest.raises(ConfigError, match="only with a table or JSON"):
        read_import(write(tmp_path, "m.tmx", "<tmx/>"), reading=Reading(columns={"text": "a"}))


# --- Excel --------------------------------------------------------------------------------------------------------


def workbook(path: Path, *sheets: list[tuple[Any, ...]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl", reason='needs openpyxl: pip install "polyrefuse-data[excel]"')
    book = openpyxl.Workbook()
    for number, rows in enumerate(sheets or ([],)):
        sheet = book.active if number == 0 else book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_says_the_same(tmp_path: Path) -> None:
    rows = [*ROWS, (None, None, None), (" ", None, None)]
    assert said(workbook(tmp_path / "p.xlsx", rows, [])) == SAID
    assert read_records(tmp_path / "p.xlsx")[1].place == "p.xlsx row 3"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (7, "text is a number, not text"),
        ("#NAME?", "text is '#NAME\\?', which is not a prompt"),
    ],
)
def test_cells_that_are_no_text_are_named(tmp_path: Path, cell: object, message: str) -> None:
    path = workbook(tmp_path / "p.xlsx", [("text", "label"), (cell, "harmful")])
    with pytest.raises(SourceError, match=rf"p\.xlsx row 2: {message}"):
        load_prompts([source(path)])


def test_a_label_of_a_workbook_may_be_a_number(tmp_path: Path) -> None:
    path = workbook(tmp_path / "p.xlsx", [("text", "label"), ("a", 1), ("b", 0)])
    table = load_prompts([source(path, labels={"1": "harmful", "0": "harmless"})])
    assert sorted(table["label"].to_pylist()) == ["harmful", "harmless"]


def test_two_sheets_with_rows_or_two_columns_of_a_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"rows on 2 sheets \(Sheet, Sheet1\): keep one, or save"):
        read_records(workbook(tmp_path / "p.xlsx", ROWS, ROWS))
    with pytest.raises(SourceError, match=r"q\.xlsx row 1: columns 1 and 2 are both called 'text'"):
        read_records(workbook(tmp_path / "q.xlsx", [("text", "text"), ("a", "b")]))


def changed(path: Path, part: str, change: Any) -> Path:
    """The workbook with one part of its archive changed or added."""
    content = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in [*old.namelist(), *({part} - set(old.namelist()))]:
            before = old.read(name) if name in old.namelist() else b""
            new.writestr(name, change(before) if name == part else before)
    return path


SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        (SHEET, lambda xml: LAUGHS + xml, r"\(xl/worksheets/sheet1\.xml\): declares its own entities"),
        ("xl/sharedStrings.xml", lambda xml: LAUGHS + b"<sst/>", r"declares its own entities"),
        ("xl/media/bomb.bin", lambda _: bytes(2**28), r"256 MiB in \d+ parts when unpacked, more than the limit"),
        (
            "xl/_rels/workbook.xml.rels",
            lambda xml: xml.replace(b"worksheets/sheet1.xml", b"../../../etc/passwd"),
            "no records",
        ),
        (SHEET, lambda xml: b"<a>" * 200, "nested 100 deep"),
        (SHEET, lambda xml: xml[:-20], r"sheet1\.xml"),
    ],
)
def test_a_workbook_made_to_harm_is_refused(tmp_path: Path, part: str, change: Any, message: str) -> None:
    path = changed(workbook(tmp_path / "p.xlsx", ROWS), part, change)
    with pytest.raises(SourceError, match=message):
        read_records(path)
    assert [found.name for found in tmp_path.iterdir()] == ["p.xlsx"]


def test_a_name_in_the_archive_that_leads_outside_writes_nothing(tmp_path: Path) -> None:
    path = changed(workbook(tmp_path / "p.xlsx", ROWS), "../../outside.xml", lambda _: b"<a/>")
    assert said(path) == SAID
    assert not (tmp_path.parent.parent / "outside.xml").exists()


def test_packed_text_is_unpacked_only_up_to_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from polyrefuse_data.sources import reading

    monkeypatch.setattr(reading, "WHOLE_FILE_BYTES", 2**20)
    path = write(tmp_path, "p.jsonl.gz", gzip.compress(b" " * 2**21))
    with pytest.raises(SourceError, match=r"p\.jsonl\.gz: larger than .* when unpacked"):
        read_records(path)


USER = {"role": "user", "content": "Name a fruit."}
CHAT = [{"role": "system", "content": "Be brief."}, USER, {"role": "assistant", "content": "An apple."}]


@pytest.mark.parametrize(
    ("record", "path"),
    [
        ({"messages": CHAT}, "messages.*.content"),  # the turn of the user, whoever else speaks
        ({"messages": CHAT}, "messages.1.content"),
        ({"conversations": [{"from": "human", "value": "Name a fruit."}, {"from": "gpt", "value": "An apple."}]},
         "conversations.*.value"),
        ({"prompt": {"text": "Name a fruit."}}, "prompt.text"),
        ({"turns": ["Name a fruit."]}, "turns.0"),
        ({"turns": ["Name a fruit."]}, "turns.*"),
        ({"a.b": "Name a fruit.", "a": {"b": "not this"}}, "a.b"),  # a column of that very name comes first
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_fields_inside_fields_and_turns_of_a_chat(
    tmp_path: Path, record: dict[str, Any], path: str, suffix: str
) -> None:
    file = tmp_path / f"p.{suffix}"
    if suffix == "jsonl":
        file.write_text(json.dumps(record) + "\n")
    else:
        pq.write_table(pa.Table.from_pylist([record]), file)
    assert [found.text() for found in read_records(file, Reading({"text": path}))] == ["Name a fruit."]
    (prompt,) = load_prompts([SourceConfig(name="x", path=file, label="harmless", columns={"text": path})]).to_pylist()
    assert prompt["text"] == "Name a fruit."


def test_what_is_not_there_or_several_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, "p.jsonl", json.dumps({"messages": [*CHAT, USER]}) + "\n")
    with pytest.raises(SourceError, match=r"p\.jsonl:1: messages\.\*\.content has 2 values.*messages\.0\.content"):
        read_records(file, Reading({"text": "messages.*.content"}))
    for path in ("messages.9.content", "messages.x", "messages.*.text", "turns.0"):
        with pytest.raises(SourceError, match=r"p\.jsonl:1: no column .* only messages"):
            read_records(file, Reading({"text": path}))
