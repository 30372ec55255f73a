"""Lengths of translations against their English: points for the charts, and outliers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.quality import columns
from polyrefuse_data.quality.batch import texts
from polyrefuse_data.quality.report.view import View

_OUTLIERS = 4  # rows a language and direction
_FAR = 3.0  # robust standard deviations
_LEAST = 10  # rows that can have an outlier
_POINTS = 300  # a language
_MAD_TO_SD = 1.4826  # a normal distribution's standard deviation over its median absolute deviation


def length_outliers(view: View) -> list[dict[str, Any]]:
    """The shortest and longest translations of each language, in robust standard deviations of the log ratio."""
    ratios = columns.numbers_of(view.table, "length_ratio").astype(np.float64)
    found: list[dict[str, Any]] = []
    for code, own in view.rows_of.items():
        rows = own[np.isfinite(ratios[own]) & (ratios[own] > 0)]
        if len(rows) < _LEAST:
            continue
        logs = np.log(ratios[rows])
        deviating = float(np.median(np.abs(logs - np.median(logs))))
        spread = _MAD_TO_SD * deviating or float(logs.std()) or 1.0  # no deviation: most rows have one ratio
        deviation = (logs - np.median(logs)) / spread
        order = np.argsort(deviation, kind="stable")
        for place in dict.fromkeys([*order[:_OUTLIERS].tolist(), *order[-_OUTLIERS:].tolist()]):
            if abs(deviation[place]) > _FAR:
                row = int(rows[place])
                found.append(
                    {
                        "row": row,
                        "id": texts(view.table.slice(row, 1), "id")[0],
                        "language": code,
                        "length_ratio": round(float(ratios[row]), 3),
                        "deviation": round(float(deviation[place]), 1),
                    }
                )
    return sorted(found, key=lambda item: (-abs(item["deviation"]), item["id"], item["language"]))


def length_points(view: View, outliers: set[int]) -> dict[str, npt.NDArray[np.float64]]:
    """Language -> (point, [English characters, characters, outlier]): every outlier, and an even sample of the rest."""
    english = columns.lengths(view.table, "text_en").astype(np.float64)
    own = columns.lengths(view.table, "text").astype(np.float64)
    marked = np.isin(np.arange(view.size), list(outliers))
    points = {}
    for code, rows in view.rows_of.items():
        rows = rows[(english[rows] > 0) & (own[rows] > 0)]
        if code == SOURCE_LANGUAGE or not len(rows):
            continue
        chosen = np.union1d(rows[:: max(1, len(rows) // _POINTS)], rows[marked[rows]])
        points[code] = np.stack([english[chosen], own[chosen], marked[chosen].astype(np.float64)], axis=1)
    return points
