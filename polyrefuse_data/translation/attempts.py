"""attempts.parquet: every attempt at every row, with the reason it was not kept, for the report.

Refusals and fall-backs are not spread evenly over categories, and users of the dataset should see that.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.rows import EDITED, REJECTED_BY_REVIEW
from polyrefuse_data.translation.base import USAGE
from polyrefuse_data.translation.chain import Outcome

# Reasons of a try that gave no translation because the translator would not, rather than could not: it said so, its API
# stopped it, it wrote something else than the object it was asked for, or the checks read a reply in its text.
DECLINED = frozenset(
    {"refused", "content_filter", "not_structured", "missing_field", "translator_refused", "translator_answered"}
)

ATTEMPT_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("language", pa.string()),
        pa.field("label", pa.string()),
        pa.field("category", pa.string()),
        pa.field("attempt", pa.int32()),  # 1 is the first try at this row
        pa.field("translator", pa.string()),
        pa.field("outcome", pa.string()),  # accepted, rejected (by the checks) or failed (no text)
        pa.field("reasons", pa.list_(pa.string())),  # flags of the checks, or the name of the failure
        pa.field("detail", pa.string()),  # the failure in words
        pa.field(
            "notes", pa.list_(pa.string())
        ),  # the wrapping that the text came in: fence, reasoning, tool_call, ...
        pa.field("back_reasons", pa.list_(pa.string())),  # names of failures of those asked to translate it back
        pa.field("input_tokens", pa.int64()),  # translating back included; null where no backend counts
        pa.field("output_tokens", pa.int64()),
        pa.field("cost_usd", pa.float64()),
        pa.field("kept", pa.bool_()),  # this try's text is the row's
    ]
)


def attempts_table(
    prompts: Sequence[dict[str, Any]], languages: Sequence[str], outcomes: Sequence[Outcome]
) -> pa.Table:
    """One row per attempt. `prompts`, `languages` and `outcomes` are parallel, with one entry per translated row."""
    records = [
        {
            "id": prompt["id"],
            "language": language,
            "label": prompt["label"],
            "category": prompt["category"],
            "attempt": attempt.number,
            "translator": attempt.translator,
            "outcome": attempt.outcome,
            "reasons": list(attempt.reasons),
            "detail": attempt.detail,
            "notes": list(attempt.notes),
            "back_reasons": list(attempt.back_reasons),
            **{key: attempt.usage.get(key) for key in USAGE},
            "kept": outcome.chosen is not None and outcome.chosen.attempt == attempt.number,
        }
        for prompt, language, outcome in zip(prompts, languages, outcomes, strict=True)
        for attempt in outcome.attempts
    ]
    order = [("id", "ascending"), ("language", "ascending"), ("attempt", "ascending")]
    return pa.Table.from_pylist(records, schema=ATTEMPT_SCHEMA).sort_by(order)


def with_verdicts(attempts: pa.Table, rows: pa.Table) -> pa.Table:
    """The attempts, with the outcome and reasons that the checks now give to those whose text is in a row.

    `rows` are judged one by one, as a build judges proposals. An attempt keeps its verdict if a person has since
    decided on its row or rewritten it.
    """
    places = pc.index_in(_keys(attempts), value_set=_keys(rows).combine_chunks())
    row = rows.select(["translator", "attempts", "status", "flags"]).take(places)
    reviewed = [REJECTED_BY_REVIEW in (flags or ()) for flags in row["flags"].to_pylist()]
    is_rows = (
        pc.fill_null(attempts["kept"], False),
        pc.equal(attempts["translator"], row["translator"]),
        pc.equal(attempts["attempt"], row["attempts"]),
        pc.not_equal(row["status"], EDITED),
        pa.array(np.logical_not(reviewed)),
    )
    own = pc.fill_null(reduce(pc.and_, is_rows), False)
    for name, verdict in (("outcome", row["status"]), ("reasons", row["flags"])):
        field = ATTEMPT_SCHEMA.field(name)
        column = pc.if_else(own, verdict.cast(field.type), attempts[name].cast(field.type))
        attempts = attempts.set_column(attempts.column_names.index(name), field, column)
    return attempts


def _keys(table: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(table["id"], table["language"], "\0")
