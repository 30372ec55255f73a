"""What the scores of rows say about them, added up. Arrays over rows; no text is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from polyrefuse_data.languages import SOURCE_LANGUAGE, find_language, language
from polyrefuse_data.languages.probability import ProbabilityTable
from polyrefuse_data.quality.batch import languages, numbers
from polyrefuse_data.quality.thresholds import Score

P_GOOD = "p_good"
_LEAST = 0.1  # nats of a sign that is worth telling


def probability(scores: pa.Table) -> Score:
    """The probability that each row of a score table is good; NaN for rows that are no translation of a prompt."""
    codes = languages(scores)
    known = {name: numbers(scores, name) for name in curve_names(codes) if name in scores.column_names}
    return np.where(numbers(scores, "paired") == 1, calibrated(pulls(known, codes), codes), np.nan)


def curve_names(codes: Sequence[str]) -> list[str]:
    """The scores on which any of these languages has a curve, those of every language first."""
    tables = [_common(), *(own for code in dict.fromkeys(codes) if (own := _own(code)))]
    return list(dict.fromkeys(name for table in tables for name in table.curves))


def pulls(scores: Mapping[str, Score], codes: Sequence[str]) -> dict[str, Score]:
    """Nats for (above 0) or against each row, by score; 0 where a score was not computed or has no curve."""
    slopes, rows_of = _of_each("slope", codes), _rows_of(codes)
    found = {}
    for name, values in scores.items():
        common = _common().curves.get(name)
        nats = read_curve(common.at, common.nats, values) if common else np.zeros(len(values))
        for code, rows in rows_of.items():
            if (table := _own(code)) and (curve := table.curves.get(name)):
                nats[rows] = read_curve(curve.at, curve.nats, values[rows])
        found[name] = nats * slopes
    return found


def pulls_on(scores: Mapping[str, float], code: str) -> dict[str, float]:
    """The same for one row: the signs that say something, the strongest first."""
    found = pulls({name: np.array([value]) for name, value in scores.items()}, [code])
    told = {name: float(nats[0]) for name, nats in found.items() if abs(nats[0]) >= _LEAST}
    return dict(sorted(told.items(), key=lambda item: -abs(item[1])))


def calibrated(pulled: Mapping[str, Score], codes: Sequence[str]) -> Score:
    """The probability that these pulls add up to."""
    total = sum(pulled.values(), start=_of_each("intercept", codes))
    return np.asarray(1 / (1 + np.exp(-total)))


def read_curve(at: Sequence[float] | Score, nats: Sequence[float] | Score, values: Score) -> Score:
    """The nats of a curve at these values of its score, 0 where the score was not computed."""
    return np.where(np.isnan(values), 0.0, np.interp(values, at, nats))


def common_sum(scores: Mapping[str, Score], count: int) -> Score:
    """What the curves of every language add up to for each of `count` rows."""
    curves = _common().curves
    known = [
        read_curve(curves[name].at, curves[name].nats, values) for name, values in scores.items() if name in curves
    ]
    return sum(known, start=np.zeros(count))


def _common() -> ProbabilityTable:
    table = language(SOURCE_LANGUAGE).probability
    assert table is not None, "the English pack has probability.toml"
    return table


def _own(code: str) -> ProbabilityTable | None:
    known = find_language(code)
    return known.probability if known else None


def _of_each(number: str, codes: Sequence[str]) -> Score:
    """A number of each row's table."""
    of_code = {code: getattr(_own(code) or _common(), number) for code in dict.fromkeys(codes)}
    return np.array([of_code[code] for code in codes], dtype=np.float64)


def _rows_of(codes: Sequence[str]) -> dict[str, npt.NDArray[np.int64]]:
    every = np.array(codes, dtype=object)
    return {code: np.flatnonzero(every == code) for code in dict.fromkeys(codes)}
