"""The numbers of what the checks read: the same as ever, since kept scores are found by them."""

from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from polyrefuse_data.quality.inputs import inputs_of, listed

ANYTHING = st.text(st.characters(codec=None))


@settings(deadline=None)
@given(st.lists(st.none() | ANYTHING, max_size=6))
def test_a_list_is_written_as_json_writes_it(texts: list[str | None]) -> None:
    assert listed(texts) == json.dumps(texts)


def test_the_number_of_a_row_is_the_one_that_older_files_hold() -> None:
    rows = pa.table(
        {"language": ["de"], "text": ["Guten „Tag“\n"], "text_en": ["Good day"], "back_translation": [None]}
    )
    assert inputs_of(rows.cast(pa.schema([(name, pa.string()) for name in rows.column_names]))).tolist() == [
        14128347416514961806
    ]
