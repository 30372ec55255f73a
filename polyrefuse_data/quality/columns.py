"""Columns of a whole table as arrays, for counts over many rows without a Python object per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.quality.batch import texts
from polyrefuse_data.text.printable import printable_line

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]  # row numbers

_PROSE = ("text", "text_en", "back_translation")  # of any length and script; all other strings are names


@dataclass(frozen=True)
class Coded:
    """A string column: its distinct values in order of appearance, and the index of each row's value."""

    values: list[str]
    codes: npt.NDArray[np.int64]

    def is_(self, value: str) -> Mask:
        """Mask of rows with this value."""
        return np.equal(self.codes, self.values.index(value) if value in self.values else -1)


def readable(table: pa.Table) -> pa.Table:
    """The table, safe to show: names such as ids, categories and flags are one printable line each, and U+FFFD replaces
    what is not UTF-8 (lone surrogates)."""
    for place, field in enumerate(table.schema):
        if field.type in (pa.string(), pa.large_string()):
            if not _is_utf8(table[place]):
                table = table.set_column(place, field, pa.array(texts(table, field.name), field.type))
            if field.name not in _PROSE and not _are_lines(table[place]):
                names = [None if name is None else printable_line(name) for name in table[place].to_pylist()]
                table = table.set_column(place, field, pa.array(names, field.type))
        elif field.type == pa.list_(pa.string()) and not _are_lines(pc.list_flatten(table[place])):
            lists = [
                None if own is None else [printable_line(name or "") for name in own]
                for own in table[place].to_pylist()
            ]
            table = table.set_column(place, field, pa.array(lists, field.type))
    return table


def _are_lines(names: pa.ChunkedArray) -> bool:
    return all(name is None or printable_line(name) == name for name in pc.unique(names).to_pylist())


def _is_utf8(column: pa.ChunkedArray) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def coded(table: pa.Table, column: str) -> Coded:
    """A string column with few distinct values; nulls and missing columns become empty strings."""
    if column not in table.column_names:
        return Coded([""], np.zeros(table.num_rows, np.int64))
    encoded = pc.fill_null(table[column].cast(pa.string()), "").combine_chunks().dictionary_encode()
    return Coded(encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64))


@dataclass(frozen=True)
class Names:
    """A column of string lists (`flags`, `reasons`) as pairs: `names[codes[i]]` is in the list of row `rows[i]`."""

    names: list[str]
    codes: npt.NDArray[np.int64]
    rows: Rows
    size: int  # rows of the table

    def mask(self, name: str) -> Mask:
        """Mask of rows whose list contains the name."""
        return self.any_of([name])

    def any_of(self, names: Sequence[str]) -> Mask:
        """Mask of rows whose list contains any of the names."""
        mask = np.zeros(self.size, dtype=bool)
        mask[self.rows[np.isin(self.codes, [place for place, own in enumerate(self.names) if own in names])]] = True
        return mask


def names(table: pa.Table, column: str) -> Names:
    """A column of string lists, with null lists as empty ones."""
    lists = table[column].combine_chunks()
    flat = coded(pa.table({"name": pc.list_flatten(lists)}), "name")
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    return Names(flat.values, flat.codes, rows, table.num_rows)


def numbers_of(table: pa.Table, column: str) -> npt.NDArray[np.float32]:
    """A numeric column in single precision, as rows store it, with NaN for nulls."""
    values = pc.fill_null(table[column].cast(pa.float32()), float("nan"))
    return np.asarray(values.to_numpy(), dtype=np.float32)


def lengths(table: pa.Table, column: str) -> npt.NDArray[np.int64]:
    """Characters of each text without surrounding white space; 0 for nulls."""
    trimmed = pc.utf8_trim_whitespace(pc.fill_null(table[column], ""))
    return np.asarray(pc.utf8_length(trimmed).to_numpy(), dtype=np.int64)
