"""Audited rows, prepared for the report: columns of a table, read once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.quality.columns import Coded, Mask, Names, Rows, coded, names
from polyrefuse_data.quality.thresholds import Thresholds
from polyrefuse_data.rows import REJECTED


@dataclass(frozen=True)
class View:
    """Rows with their languages, status and flags as arrays, and the bounds they were judged by."""

    table: pa.Table
    bounds: Thresholds

    @cached_property
    def language(self) -> Coded:
        return coded(self.table, "language")

    @cached_property
    def codes(self) -> list[str]:
        """The languages: English first, then by code."""
        return sorted(self.language.values, key=lambda code: (code != SOURCE_LANGUAGE, code)) if self.size else []

    @cached_property
    def rows_of(self) -> dict[str, Rows]:
        """Language -> its rows."""
        return {code: np.flatnonzero(self.language.is_(code)) for code in self.codes}

    @cached_property
    def status(self) -> Coded:
        return coded(self.table, "status")

    @cached_property
    def _rejected(self) -> Mask:
        return self.status.is_(REJECTED)

    @cached_property
    def flags(self) -> Names:
        return names(self.table, "flags")

    @property
    def size(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def flag_counts(self) -> dict[str, Counter[str]]:
        """Language -> flag -> rows with it."""
        owners = self.language.codes[self.flags.rows]
        return {code: self._counted(owners == place) for place, code in enumerate(self.language.values)}

    def _counted(self, chosen: np.typing.NDArray[np.bool_]) -> Counter[str]:
        counts = np.bincount(self.flags.codes[chosen], minlength=len(self.flags.names))
        return Counter({name: int(count) for name, count in zip(self.flags.names, counts, strict=True) if count})

    @cached_property
    def _reasons(self) -> tuple[Rows, np.typing.NDArray[np.int64]]:
        """(rows, flag codes): the rejecting flags of rejected rows, in the order of the rows' flags."""
        remarks = self.bounds.remarks
        is_reason = np.array([name not in remarks for name in self.flags.names], dtype=bool)
        chosen = self._rejected[self.flags.rows] & is_reason[self.flags.codes]
        return self.flags.rows[chosen], self.flags.codes[chosen]

    @cached_property
    def _first_reason(self) -> np.typing.NDArray[np.int64]:
        """The code of each row's first reason; -1 if it has none."""
        rows, codes = self._reasons
        rows, first = np.unique(rows, return_index=True)
        reason = np.full(self.size, -1)
        reason[rows] = codes[first]
        return reason

    def reason_of(self, row: int) -> str:
        """The first reason of a rejected row, `other` if it has none; empty for rows that are not rejected."""
        code = int(self._first_reason[row])
        if code >= 0:
            return self.flags.names[code]
        return "other" if self._rejected[row] else ""

    @cached_property
    def first_reasons(self) -> dict[str, Counter[str]]:
        """Language -> first reason -> rejected rows."""
        return {code: Counter(map(self.reason_of, rows[self._rejected[rows]])) for code, rows in self.rows_of.items()}

    @cached_property
    def sole_reasons(self) -> Counter[str]:
        """Flag -> rows for which it is the only reason."""
        rows, codes = self._reasons
        own = codes[np.bincount(rows, minlength=self.size)[rows] == 1]
        return Counter(self.flags.names[code] for code in own.tolist())
