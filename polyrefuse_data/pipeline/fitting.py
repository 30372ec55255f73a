"""Fits the bounds, lexicon and p_good of a language pack to aligned rows: good translations with their English.

A bound goes where one row in five hundred lies beyond it; that of `unverified_meaning` where one in a hundred does, of
rows that the lexicon has not seen (cross-validated). Lengths get a tenth more room than these rows take, since other
rows are of another kind; of the other bounds only those are written that have to be looser than that of every language,
and none is loosened past the point where it stops finding the faults that can be planted in these rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE, Language, add_pack
from polyrefuse_data.languages.lexicon.train import cross_validate, learn
from polyrefuse_data.languages.packs import write_bounds
from polyrefuse_data.languages.traits import Bound
from polyrefuse_data.pipeline.fitting_probability import fit_probability
from polyrefuse_data.quality.checks import THRESHOLDS
from polyrefuse_data.quality.score_table import numbers_of, scorer
from polyrefuse_data.quality.suite import suite_of
from polyrefuse_data.rows import usable
from polyrefuse_data.system.files import replace_kept
from polyrefuse_data.text.counts import counted
from polyrefuse_data.text.invisible import visible
from polyrefuse_data.translation.memory import read_memory
from polyrefuse_data.workspace import Workspace

Row = dict[str, Any]

FITTED = (
    "length_ratio_min",
    "length_ratio_max",
    "script",
    "related_language",
    "mixed_languages",
    "partly_translated_run",
    "back_translation",
)
_BEYOND = 0.002  # share of good rows that may lie beyond a bound
_UNVERIFIED_BEYOND = 0.01
_FEWEST = 200  # rows: of fewer a lexicon knows too little, and their last says too little of the next
_DIGITS = 3  # of a bound
_LET_GO = 0.01  # share of planted faults that a looser bound may miss and that of every language finds
_NO_SKLEARN = 'that needs scikit-learn: `pip install "polyrefuse-data[benchmark]"`, and fit again'
_ROOM = 0.1  # slack for lengths, as a share of their bound


def fit_pack(known: Language, path: Path) -> list[dict[str, str]]:
    """Write lexicon.tsv, probability.toml and the bounds of a pack, from a workspace or a TSV, JSONL or TMX file of
    aligned texts.

    Returns one row per written item. Earlier files stay (lexicon-2.tsv). Raises ConfigError for a language without a
    pack, or for too few rows.
    """
    if known.pack is None:
        raise ConfigError(
            f"{known.code} has no language pack: create one with `polyrefuse languages --new {known.code} DIR`"
        )
    if known.code in LANGUAGES and known.pack == LANGUAGES[known.code].pack:
        raise ConfigError(f"the pack of {known.code} is part of this package: copy {known.pack} and name the copy")
    rows = _aligned(known, path)
    pairs = sorted({(visible(row["text_en"]), visible(row["text"])) for row in rows})
    if len(pairs) < _FEWEST:
        raise ConfigError(
            f"{path}: only {counted(len(pairs), 'different row')} of {known.code} with English; a fit needs {_FEWEST}"
        )
    replace_kept(known.pack / "lexicon.tsv", learn(pairs, known).to_tsv())
    true, swapped = cross_validate(pairs, known)
    where = f"{counted(len(rows), 'row')} of {path.name}"
    bounds = _bounds(rows, where)
    default = THRESHOLDS["unverified_meaning"].default
    least = min(_rounded(float(np.quantile(true, _UNVERIFIED_BEYOND)), down=True), default)
    if least < default:
        bounds["unverified_meaning"] = Bound(bound=least, source=f"{where}, cross-validated: 1% of them lie below")
    write_bounds(known.pack, bounds)
    add_pack(known.pack)
    if find_spec("sklearn"):
        probability = fit_probability(known, rows, where, _scores)
    else:
        probability = {"written": "", "value": "no probability.toml", "from": _NO_SKLEARN}
    caught = f"{(swapped < least).mean():.3f} of swapped rows are caught"
    return [
        {"written": "lexicon.tsv", "value": f"{len(pairs)} pairs", "from": caught},
        *({"written": f"bounds.{name}", "value": f"{own.bound:g}", "from": own.source} for name, own in bounds.items()),
        probability,
    ]


def _aligned(known: Language, path: Path) -> list[Row]:
    """Rows of the language with their English, from a workspace or a file that contains both."""
    if path.is_dir():
        table = Workspace(path).read_rows()
        columns = ["language", "text", "text_en", "back_translation"]
        rows = table.filter(usable(table)).select(columns).to_pylist()
        return [row for row in rows if row["language"] == known.code and row["text_en"]]
    units = read_memory(path)
    return [
        {"language": known.code, "text": unit[known.code], "text_en": unit[SOURCE_LANGUAGE]}
        for unit in units
        if known.code in unit and SOURCE_LANGUAGE in unit
    ]


def _half_english(rows: Sequence[Row]) -> Iterator[Row]:
    """Each row with the second half of its text left in English."""
    for row in rows:
        english, text = row["text_en"].split(), row["text"]
        yield {**row, "text": f"{text[: len(text) // 2]} {' '.join(english[len(english) // 2 :])}"}


def _back_translated_elsewhere(rows: Sequence[Row]) -> Iterator[Row]:
    """Each row with the back-translation of the one before."""
    for before, row in zip([*rows[-1:], *rows], rows, strict=False):
        yield {**row, "back_translation": before.get("back_translation")}


# The faults that a bound is there for, as far as they can be planted in good rows.
_FAULTS: Mapping[str, Callable[[Sequence[Row]], Iterator[Row]]] = {
    "partly_translated_run": _half_english,
    "back_translation": _back_translated_elsewhere,
}


def _bounds(rows: Sequence[Row], where: str) -> dict[str, Bound]:
    good, found = _scores(rows), {}
    for name in FITTED:
        values = _computed(good, name)
        if len(values) >= _FEWEST and (bound := _bound(name, values, where)):
            found[name] = bound
    for name in found.keys() & _FAULTS.keys():
        planted = _computed(_scores(list(_FAULTS[name](rows))), name)
        if tightened := _tight_enough(name, found.pop(name), planted):
            found[name] = tightened
    return found


def _scores(rows: Sequence[Row]) -> pa.Table:
    names = ("id", "language", "text", "text_en", "back_translation")
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    return scorer(suite_of())(pa.table(columns))


def _computed(scores: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """The score under a threshold, of the rows for which it was computed."""
    values = numbers_of(scores, THRESHOLDS[name].score)
    return values[~np.isnan(values)]


def _bound(name: str, values: npt.NDArray[np.float64], where: str) -> Bound | None:
    """A bound that all but a few of these rows meet; None if the default will do."""
    threshold = THRESHOLDS[name]
    share = _BEYOND if threshold.is_floor else 1 - _BEYOND
    value = float(np.quantile(values, share))
    if threshold.flag == "length_ratio":
        value *= 1 - _ROOM if threshold.is_floor else 1 + _ROOM
    elif not _is_looser(name, value):
        return None
    return Bound(bound=_rounded(value, threshold.is_floor), source=f"{where}: {share:.1%} of them lie below")


def _tight_enough(name: str, bound: Bound, planted: npt.NDArray[np.float64]) -> Bound | None:
    """The bound, or the loosest one that still finds the planted faults; None where that is no looser than the bound of
    every language."""
    threshold = THRESHOLDS[name]
    sign = -1.0 if threshold.is_floor else 1.0
    worst = -np.sort(-sign * planted)
    needed = math.ceil((worst > sign * threshold.default).sum() - _LET_GO * len(worst))
    if needed < 1 or worst[needed - 1] > sign * bound.bound:
        return bound
    last = float(worst[needed - 1])  # share of them that has to lie beyond the bound
    value = sign * _rounded(last - abs(last) * _LET_GO, down=True)
    if not _is_looser(name, value):
        return None
    source = f"{bound.source.split(':')[0]}: no looser, so that it finds {needed / len(worst):.1%} of planted faults"
    return Bound(bound=value, source=source)


def _is_looser(name: str, value: float) -> bool:
    """Whether a bound is looser than that of every language."""
    threshold = THRESHOLDS[name]
    return value < threshold.default if threshold.is_floor else value > threshold.default


def _rounded(value: float, down: bool) -> float:
    step = 10.0 ** (math.floor(math.log10(abs(value))) + 1 - _DIGITS) if value else 1.0
    return (math.floor(value / step) if down else math.ceil(value / step)) * step
