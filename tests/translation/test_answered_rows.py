"""What a row still shows of an answer, and what it does not: only answers word for word are taken from rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from polyrefuse_data.config import CommandBackend
from polyrefuse_data.rows import SCHEMA, table_from_rows
from polyrefuse_data.translation.answered_rows import describe_backends, entries_of_rows
from polyrefuse_data.translation.command import CommandTranslator

PROGRAM = CommandTranslator(CommandBackend(name="p", commands={"en-de": ["cat"], "de-en": ["cat"]}))
OTHER = CommandTranslator(CommandBackend(name="p", commands={"en-de": ["tac"], "de-en": ["tac"]}))

ROW: dict[str, Any] = {
    "id": "seeds-0000000000",
    "language": "de",
    "label": "harmless",
    "split": "test",
    "text": "Wie backe ich Brot?",
    "text_en": "How do I bake bread?",
    "origin": "machine",
    "translator": "command:p",
    "back_translation": "How do I bake a loaf?",
    "back_translator": "command:p",
}


def answers(folder: Path, written_by: list[Any], now: list[Any], **change: Any) -> set[tuple[str, str, str]]:
    """(source language, text asked, answer) of every answer found in a row that differs from ROW by `change`."""
    table = table_from_rows([ROW | change]).cast(SCHEMA.with_metadata(describe_backends(written_by)))
    pq.write_table(table, folder / "rows.parquet")
    found = [entry for entry in entries_of_rows(folder / "rows.parquet", now) if len(entry) == 5]
    return {(source, text, answer.split('"')[3]) for _, source, _, text, answer in found}


THERE = ("eng_Latn", "How do I bake bread?", "Wie backe ich Brot?")
BACK = ("deu_Latn", "Wie backe ich Brot?", "How do I bake a loaf?")


def test_a_sentence_and_its_back_translation(tmp_path: Path) -> None:
    assert answers(tmp_path, [PROGRAM], [PROGRAM]) == {THERE, BACK}


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"origin": "human"}, set()),
        ({"text": ""}, set()),
        ({"back_translation": None}, {THERE}),
        ({"translator": "nllb:other@1"}, {BACK}),
        ({"flags": ["normalised"]}, {BACK}),  # not the answer as it came
        ({"text_en": "How do I bake bread? Tell me."}, {BACK}),  # two pieces were asked
        ({"text_en": "How do I bake `bread`?"}, {BACK}),  # its span was lost: the text was put together again
    ],
)
def test_what_a_row_does_not_show(tmp_path: Path, change: dict[str, Any], left: set[Any]) -> None:
    assert answers(tmp_path, [PROGRAM], [PROGRAM], **change) == left


def test_only_of_backends_that_are_what_they_were(tmp_path: Path) -> None:
    assert answers(tmp_path, [PROGRAM], [OTHER]) == set()
    assert answers(tmp_path, [PROGRAM, OTHER], [PROGRAM]) == set()  # two of one name: whose text is it?
    assert answers(tmp_path, [], [PROGRAM]) == set()


def test_rows_that_cannot_be_read_show_nothing(tmp_path: Path) -> None:
    assert list(entries_of_rows(tmp_path / "rows.parquet", [PROGRAM])) == []
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 no")
    assert list(entries_of_rows(tmp_path / "rows.parquet", [PROGRAM])) == []
    pq.write_table(table_from_rows([ROW]).select(["id"]), tmp_path / "rows.parquet")
    assert list(entries_of_rows(tmp_path / "rows.parquet", [PROGRAM])) == []
