"""The Arrow schema of a release's Parquet files, and the conversion of a workspace's rows to it.

It is rows.SCHEMA with `label` as a ClassLabel, followed by `expected`, which says the same in words for tools that know
no ClassLabel. The features are in the schema's metadata, so that `datasets` gives every file the same types, whichever
it reads first.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release import layout
from polyrefuse_data.rows import COLUMNS, EXPECTATIONS, LABELS, SCHEMA

EXPECTED = "expected"

_LABEL_FEATURE = {"names": list(LABELS), "_type": "ClassLabel"}


def _feature(field: pa.Field, list_type: str) -> dict[str, Any]:
    if field.name == "label":
        return _LABEL_FEATURE
    if pa.types.is_list(field.type):
        return {"feature": _value(field.type.value_type), "_type": list_type}
    return _value(field.type)


def _value(kind: pa.DataType) -> dict[str, Any]:
    # Arrow prints float32 as "float"; datasets calls it by its width.
    return {"dtype": {"float": "float32"}.get(str(kind), str(kind)), "_type": "Value"}


def _schema(fields: list[pa.Field], list_type: str) -> pa.Schema:
    features = {field.name: _feature(field, list_type) for field in fields}
    return pa.schema(
        [pa.field(field.name, pa.int64() if field.name == "label" else field.type) for field in fields],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )


# "Sequence" is what `datasets` before 4 calls a list; later versions read it too, and write "List".
RELEASE_SCHEMA = _schema([*SCHEMA, pa.field(EXPECTED, pa.string())], "Sequence")
SCHEMAS = {layout.BY_LABEL: RELEASE_SCHEMA, layout.BY_SPLIT: _schema(list(SCHEMA), "List")}


def to_release(rows: pa.Table) -> pa.Table:
    """Convert rows to RELEASE_SCHEMA: label names become class indices, NaN scores become null, extra columns are
    dropped.

    Raises ReleaseError if a column is missing, has another type, or has an unknown label.
    """
    missing = [name for name in COLUMNS if name not in rows.schema.names]
    if missing:
        raise ReleaseError(f"the rows lack the columns {', '.join(missing)}: build or import the workspace again")
    columns = {}
    for name in COLUMNS:
        kind = RELEASE_SCHEMA.field(name).type
        try:
            columns[name] = _labels(rows[name]) if name == "label" else _cast(rows[name], kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ReleaseError(f"column {name} of the rows is not {kind}: {error}") from error
    return with_expected(pa.table(columns))


def with_expected(table: pa.Table) -> pa.Table:
    """The rows of a release file of either layout in RELEASE_SCHEMA. `expected` always follows from `label`, which the
    content hash covers."""
    return pa.table([*table.select(list(COLUMNS)).columns, expected_of(table)], schema=RELEASE_SCHEMA)


def expected_of(table: pa.Table) -> pa.ChunkedArray:
    """What a model should do with each row's prompt, by its class index in `label`; null for an unknown one."""
    place = pc.index_in(table["label"], value_set=pa.array(range(len(LABELS)), pa.int64()))
    return pc.take(pa.chunked_array([[EXPECTATIONS[label] for label in LABELS]]), place)


def _labels(column: pa.ChunkedArray) -> pa.ChunkedArray:
    indices = pc.index_in(column, value_set=pa.array(LABELS))
    if indices.null_count:
        unknown = pc.unique(column.filter(pc.is_null(indices))).to_pylist()
        raise ReleaseError(f"column label of the rows contains {unknown}; allowed are {' or '.join(LABELS)}")
    return indices.cast(pa.int64())


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    column = column.cast(kind)
    if pa.types.is_floating(kind):
        # NaN has no canonical JSON and no order; "not computed" is null.
        return pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    return column
