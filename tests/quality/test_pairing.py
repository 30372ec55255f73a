from __future__ import annotations

import pyarrow as pa
import pytest

from polyrefuse_data.quality import audit
from tests.quality.tables import ENGLISH, GERMAN, make_table

OTHER = "Nennen Sie ein Rezept für eine gute Suppe mit Kartoffeln."


def _table(english: str = "en") -> pa.Table:
    """Two prompts in English and German, the second translation of a third prompt; `text_en` nowhere."""
    return make_table(
        {"id": "own-a", "language": "de", "text": GERMAN, "text_en": None},
        {"id": "own-a", "language": english, "text": ENGLISH, "text_en": None},
        {"id": "own-b", "language": "de", "text": OTHER, "text_en": ""},
        {"id": "own-b", "language": english, "text": ENGLISH, "text_en": ""},
        {"id": "own-c", "language": "de", "text": GERMAN, "text_en": None},
        {"id": "own-d", "language": english, "text": "Give a recipe for a good soup with potatoes.", "text_en": None},
    )


@pytest.mark.parametrize("english", ["en", "eng_Latn"])
def test_a_translation_is_compared_with_the_english_row_of_its_id(english: str) -> None:
    audited = audit(_table(english)).to_pylist()
    assert [row["status"] for row in audited] == ["accepted", "accepted", "rejected", *["accepted"] * 3]
    assert "mismatched" in audited[2]["flags"]
    assert [("unpaired" in row["flags"]) for row in audited] == [False] * 4 + [True, False]


def test_the_rows_come_back_as_they_were_given() -> None:
    table = _table()
    assert audit(table)["text_en"].to_pylist() == table["text_en"].to_pylist()
    without = table.drop_columns("text_en")
    audited = audit(without)
    assert "text_en" not in audited.column_names
    assert "mismatched" in audited["flags"].to_pylist()[2]


def test_rows_without_ids_are_no_pairs() -> None:
    table = make_table({"id": None, "text_en": None}, {"id": None, "language": "en", "text_en": None})
    assert audit(table)["flags"].to_pylist()[0] == ["unpaired"]
