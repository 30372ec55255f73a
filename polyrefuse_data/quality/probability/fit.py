"""Fits the tables of probability.toml to rows of which it is known whether they are good.

Every score gets a curve (isotonic regression); a logistic regression weighs the curves against each other, since scores
repeat what others say; and another one calibrates the sums for each language, on prompts that the curves have not seen.
Needs scikit-learn, which reading the tables does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from polyrefuse_data.quality.probability.evidence import read_curve
from polyrefuse_data.quality.thresholds import Score

Mask = npt.NDArray[np.bool_]

# Scores that are signs. Left out are those that repeat another one (bleu, agreement), and `semantic_similarity`, which
# is another score with every encoder.
SIGNS = (
    "correspondence", "chrf", "language_confidence", "relative_odds", "foreign_run", "expected_script", "copy_ratio",
    "english_run", "english_phrase", "repetition", "lost", "answer", "refusal", "damage", "debris", "punctuation",
    "changed_negation", "unsaid_negation", "opposite_words", "replaced_names", "added_words",
)  # fmt: skip
_RISING = frozenset({"correspondence", "chrf", "language_confidence", "expected_script"})  # more is better; else worse
LENGTH = "length_ratio"  # has a curve in each language
_SHORTER, _LONGER = "shorter", "longer"  # its two sides, while they are fitted
FOLDS = 4
_FEWEST = 150  # good rows, and faulty ones, for what is a language's own
# Percentiles of good and of faulty rows at which a curve may bend.
_STEPS = (0, 1, 5, 10, 20, 35, 50, 65, 80, 90, 95, 99, 100)
_FEW_VALUES = 4  # a score with no more of them bends at each
_CERTAIN = 0.002  # no value of a score is surer than that
_FLAT = 0.1  # nats: a bend this close to the line through its neighbours is left out


@dataclass(frozen=True)
class Curve:
    """Nats at some values of a score."""

    at: Score
    nats: Score

    def read(self, values: Score) -> Score:
        return read_curve(self.at, self.nats, values)

    def times(self, factor: float) -> Curve:
        return Curve(self.at, self.nats * factor)

    def simplified(self) -> Curve:
        """Without bends that hardly are ones."""
        kept = [0]
        for place in range(1, len(self.at) - 1):
            ends = [kept[-1], place + 1]
            line = np.interp(self.at[place], self.at[ends], self.nats[ends])
            if abs(line - self.nats[place]) > _FLAT:
                kept.append(place)
        kept += [len(self.at) - 1] * (len(self.at) > 1)
        return Curve(self.at[kept], self.nats[kept])


_NOTHING = Curve(np.zeros(1), np.zeros(1))


@dataclass(frozen=True)
class Known:
    """Scores by name, and for each row its language, whether it is good, its weight, and a number by its prompt."""

    scores: Mapping[str, Score]
    codes: npt.NDArray[np.str_]
    good: Mask
    weight: Score
    prompt: npt.NDArray[np.int64]

    def part(self, mask: Mask) -> Known:
        scores = {name: values[mask] for name, values in self.scores.items()}
        return Known(scores, self.codes[mask], self.good[mask], self.weight[mask], self.prompt[mask])

    @property
    def languages(self) -> list[str]:
        return sorted(set(self.codes.tolist()))


@dataclass(frozen=True)
class Curves:
    """Those of every language by score, and those of the length by language."""

    common: dict[str, Curve]
    lengths: dict[str, Curve]

    def sums(self, rows: Known) -> Score:
        """What they add up to for each row."""
        total = np.zeros(len(rows.good))
        for name, curve in self.common.items():
            total += curve.read(rows.scores[name])
        for code, curve in self.lengths.items():
            own = rows.codes == code
            total[own] += curve.read(rows.scores[LENGTH][own])
        return total


@dataclass(frozen=True)
class Fitted:
    """The curves, and (intercept, slope) of each language with enough rows and of all others (``)."""

    curves: Curves
    calibration: dict[str, tuple[float, float]]
    rows: dict[str, int]


def fit(rows: Known) -> Fitted:
    """Fit curves and calibration to these rows."""
    sums = np.empty(len(rows.good))
    for fold in range(FOLDS):
        unseen = rows.prompt % FOLDS == fold
        sums[unseen] = fit_curves(rows.part(~unseen)).sums(rows.part(unseen))
    groups = {"": np.ones(len(sums), bool), **{code: rows.codes == code for code in rows.languages}}
    groups = {code: own for code, own in groups.items() if min(_counts(rows.good[own])) >= _FEWEST}
    calibration = {code: calibrate(sums[own], rows.good[own], rows.weight[own]) for code, own in groups.items()}
    return Fitted(fit_curves(rows), calibration, {code: int(own.sum()) for code, own in groups.items()})


def fit_curves(rows: Known) -> Curves:
    """The curve of each score, weighed against the others."""
    middles = centres(rows)
    values = {name: rows.scores[name] for name in SIGNS if name in rows.scores} | sides(rows, middles)
    curves = {name: curve_of(own, rows, rising=name in _RISING) for name, own in values.items()}
    names = [name for name, curve in curves.items() if np.ptp(curve.nats) > _FLAT]
    weights: dict[str, float] = {}
    while names and not weights:
        weights = weigh({name: curves[name].read(values[name]) for name in names}, rows)
        if min(weights.values()) <= 0:  # such a score only takes back what others say
            names, weights = [name for name in names if weights[name] > 0], {}
    weighed = {name: curves[name].times(weight).simplified() for name, weight in weights.items()}
    shorter, longer = (weighed.pop(side, _NOTHING) for side in (_SHORTER, _LONGER))
    return Curves(weighed, {code: length_curve(shorter, longer, *centre) for code, centre in middles.items()})


def curve_of(values: Score, rows: Known, *, rising: bool) -> Curve:
    """Log-odds of being good that rise, or fall, throughout."""
    from sklearn.isotonic import IsotonicRegression

    known = ~np.isnan(values)
    own, good, weight = values[known], rows.good[known], rows.weight[known]
    if len(np.unique(own)) < 2 or not min(_counts(good)):
        return _NOTHING
    model = IsotonicRegression(increasing=rising, y_min=_CERTAIN, y_max=1 - _CERTAIN, out_of_bounds="clip")
    model.fit(own, good.astype(np.float64), weight)
    bends = np.concatenate([np.percentile(own[good == kind], _STEPS) for kind in (True, False)])
    at = np.unique(own if len(np.unique(own)) <= _FEW_VALUES else bends)
    return Curve(at, _logit(model.predict(at)) - float(_logit(np.average(good, weights=weight))))


def centres(rows: Known) -> dict[str, tuple[float, float]]:
    """(median, deviation) of the log length ratio of good rows, by language."""
    found = {}
    for code in rows.languages:
        own = np.log(rows.scores[LENGTH][(rows.codes == code) & rows.good])
        own = own[~np.isnan(own)]
        if len(own) >= _FEWEST:
            low, middle, high = np.percentile(own, [16, 50, 84]).tolist()
            found[code] = middle, (high - low) / 2
    return found


def sides(rows: Known, middles: Mapping[str, tuple[float, float]]) -> dict[str, Score]:
    """How much shorter, and how much longer than usual in its language each row is, in deviations."""
    away = np.full(len(rows.good), np.nan)
    for code, (middle, deviation) in middles.items():
        own = rows.codes == code
        away[own] = (np.log(np.maximum(rows.scores[LENGTH][own], 1e-3)) - middle) / deviation
    return {_SHORTER: np.maximum(0, -away), _LONGER: np.maximum(0, away)}


def length_curve(shorter: Curve, longer: Curve, middle: float, deviation: float) -> Curve:
    """Both sides as one curve over the plain length ratios of a language."""
    away = np.unique(np.concatenate([-shorter.at, longer.at, [0.0]]))
    nats = shorter.read(np.maximum(0, -away)) + longer.read(np.maximum(0, away))
    return Curve(np.exp(middle + deviation * away), nats).simplified()


def weigh(nats: Mapping[str, Score], rows: Known) -> dict[str, float]:
    """What each curve counts beside the others."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=1000)
    model.fit(np.stack(list(nats.values()), axis=1), rows.good, sample_weight=rows.weight)
    return dict(zip(nats, model.coef_[0].tolist(), strict=True))


def calibrate(sums: Score, good: Mask, weight: Score) -> tuple[float, float]:
    """(intercept, slope) of a logistic regression on sums."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=1000).fit(sums[:, None], good, sample_weight=weight)
    return float(model.intercept_[0]), float(model.coef_[0][0])


def _counts(good: Mask) -> tuple[int, int]:
    return int(good.sum()), int((~good).sum())


def _logit(p: npt.ArrayLike) -> Score:
    share = np.asarray(p, np.float64)
    return np.asarray(np.log(share / (1 - share)))
