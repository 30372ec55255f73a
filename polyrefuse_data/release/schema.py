"""The Arrow schema of a release's Parquet files, and the conversion of a workspace's rows to it.

It is rows.SCHEMA with `label` as a ClassLabel. The features are in the schema's metadata, so that `datasets` gives
every file the same types, whichever it reads first.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.rows import COLUMNS, LABELS, SCHEMA

_LABEL_FEATURE = {"names": list(LABELS), "_type": "ClassLabel"}


def _feature(field: pa.Field) -> dict[str, Any]:
    if field.name == "label":
        return _LABEL_FEATURE
    if pa.types.is_list(field.type):
        return {"feature": _value(field.type.value_type), "_type": "List"}
    return _value(field.type)


def _value(kind: pa.DataType) -> dict[str, Any]:
    # Arrow prints float32 as "float"; datasets calls it by its width.
    return {"dtype": {"float": "float32"}.get(str(kind), str(kind)), "_type": "Value"}


FEATURES: dict[str, dict[str, Any]] = {field.name: _feature(field) for field in SCHEMA}

RELEASE_SCHEMA = pa.schema(
    [pa.field(field.name, pa.int64() if field.name == "label" else field.type) for field in SCHEMA],
    metadata={"huggingface": json.dumps({"info": {"features": FEATURES}})},
)


def to_release(rows: pa.Table) -> pa.Table:
    """Convert rows to RELEASE_SCHEMA: label names become class indices, NaN scores become null, extra columns are
    dropped.

    Raises ReleaseError if a column is missing, has another type, or has an unknown label.
    """
    missing = [name for name in COLUMNS if name not in rows.schema.names]
    if missing:
        raise ReleaseError(f"the rows lack the columns {', '.join(missing)}: build or import the workspace again")
    columns = []
    for field in RELEASE_SCHEMA:
        column = rows[field.name]
        try:
            columns.append(_labels(column) if field.name == "label" else _cast(column, field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ReleaseError(f"column {field.name} of the rows is not {field.type}: {error}") from error
    return pa.table(columns, schema=RELEASE_SCHEMA)


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
