"""The input of a check: some rows of one table as plain Python lists, with texts normalised once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import SOURCE_LANGUAGE, Language, find_language
from polyrefuse_data.text.invisible import visible
from polyrefuse_data.text.spans import without_spans

Found = TypeVar("Found")

# Rows whose Python lists are held at once: memory beyond a table does not grow with the table.
BATCH_ROWS = 1024

# Scores that read characters one by one look at this many of them; no prompt is longer, a broken row may be.
LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class Batch:
    """Rows of one table, column by column. `raw` is the text as it is, `text` its visible form.

    `language` is the BCP-47 code, even if a row has a FLORES code.
    """

    language: list[str]
    raw: list[str]
    text: list[str]
    text_en: list[str]
    back_translation: list[str | None]
    back_translator: list[str]
    _once: dict[Callable[[Batch], Any], Any] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.language)

    def once(self, function: Callable[[Batch], Found]) -> Found:
        """The result of `function` for this batch, computed once and shared between checks."""
        if function not in self._once:
            self._once[function] = function(self)
        found: Found = self._once[function]
        return found

    @cached_property
    def known(self) -> list[Language | None]:
        """The language of each row; None for an unknown code."""
        table = {code: find_language(code) for code in set(self.language)}
        return [table[code] for code in self.language]

    @cached_property
    def prose(self) -> list[str]:
        """The texts without what translations keep unchanged (spans.py), i.e. the part that shows their language."""
        return [without_spans(text[:LONGEST_TEXT]) for text in self.text]

    @cached_property
    def prose_en(self) -> list[str]:
        """The English prompts, without the same parts."""
        return [without_spans(text[:LONGEST_TEXT]) for text in self.text_en]

    @cached_property
    def translated(self) -> list[bool]:
        """Whether each row is a translation, so that it can be compared with its English text."""
        return [
            code != SOURCE_LANGUAGE and bool(source.strip()) and bool(text.strip())
            for code, source, text in zip(self.language, self.text_en, self.text, strict=True)
        ]


def slices(table: pa.Table, size: int | None = None) -> Iterator[pa.Table]:
    """Slices of `size` (by default BATCH_ROWS) rows; one empty slice for an empty table. Nothing is copied."""
    size = size or BATCH_ROWS
    for start in range(0, max(table.num_rows, 1), size):
        yield table.slice(start, size)


def make_batch(table: pa.Table) -> Batch:
    """Read the columns that checks need. Missing columns and nulls become empty texts, broken UTF-8 becomes U+FFFD."""
    raw = texts(table, "text")
    return Batch(
        language=languages(table),
        raw=raw,
        text=[visible(text) for text in raw],
        text_en=texts_en(table),
        back_translator=texts(table, "back_translator"),
        back_translation=[t if t is None else visible(t) for t in optional_texts(table, "back_translation")],
    )


def texts_en(table: pa.Table) -> list[str]:
    """The English prompts, in their visible form."""
    return [visible(text) for text in texts(table, "text_en")]


def languages(table: pa.Table) -> list[str]:
    """The BCP-47 code of each row, also for rows with a FLORES code; unknown codes stay as they are."""
    given = texts(table, "language")
    codes = {code: known.code if (known := find_language(code)) else code for code in set(given)}
    return [codes[code] for code in given]


def texts(table: pa.Table, column: str) -> list[str]:
    """A string column as a list, with empty strings for nulls or a missing column."""
    return [text or "" for text in optional_texts(table, column)]


def numbers(table: pa.Table, column: str) -> npt.NDArray[np.float64]:
    """A numeric column with NaN for nulls. Raises ConfigError if the column does not hold numbers."""
    try:
        if pa.types.is_boolean(table[column].type):  # Arrow would make 0 and 1 of it: below every bound
            raise pa.ArrowInvalid("true and false are not numbers")
        values = table[column].cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ConfigError(f"column {column} does not hold numbers: rename it or convert it") from None
    return np.asarray(pc.fill_null(values, float("nan")).to_numpy(), dtype=np.float64)


def optional_texts(table: pa.Table, column: str) -> list[str | None]:
    """A string column as a list, with None for nulls or a missing column."""
    if column not in table.column_names:
        return [None] * table.num_rows
    try:
        values: list[str | None] = table[column].to_pylist()
    except UnicodeDecodeError:  # a lone surrogate, written as if it were UTF-8
        raw = table[column].cast(pa.large_binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "replace") for value in raw]
    return values
