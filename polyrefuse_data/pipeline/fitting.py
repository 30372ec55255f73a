"""Fits the bounds and lexicon of a language pack to aligned rows: good translations with their English.

A bound goes where one row in five hundred lies beyond it; that of `unverified_meaning` where one in a hundred does, of
rows that the lexicon has not seen (cross-validated). Lengths get a tenth more room than these rows take, since other
rows are of another kind; of the other bounds only those are written that have to be looser than that of every language.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE, Language, add_pack
from polyrefuse_data.languages.lexicon.train import cross_validate, learn
from polyrefuse_data.languages.packs import write_bounds
from polyrefuse_data.languages.traits import Bound
from polyrefuse_data.quality.checks import THRESHOLDS
from polyrefuse_data.quality.score_table import numbers_of, scorer
from polyrefuse_data.quality.suite import suite_of
from polyrefuse_data.rows import usable
from polyrefuse_data.system.files import replace_kept
from polyrefuse_data.text.invisible import visible
from polyrefuse_data.translation.memory import read_memory
from polyrefuse_data.workspace import Workspace

FITTED = (
    "length_ratio_min",
    "length_ratio_max",
    "script",
    "related_language",
    "mixed_languages",
    "partly_translated_run",
    "back_translation",
)
_BEYOND = 0.002  # share of good rows beyond a bound
_UNVERIFIED_BEYOND = 0.01
_FEWEST = 200  # rows: of fewer a lexicon knows too little, and their last says too little of the next
_DIGITS = 3  # of a bound
_ROOM = 0.1  # that lengths get beyond their bound, as a share of it


def fit_pack(known: Language, path: Path) -> list[dict[str, str]]:
    """Write lexicon.tsv and the bounds of a pack, from a workspace or a TSV, JSONL or TMX file of aligned texts.

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
            f"{path}: only {len(pairs)} different rows of {known.code} with English; a fit needs {_FEWEST}"
        )
    replace_kept(known.pack / "lexicon.tsv", learn(pairs, known).to_tsv())
    true, swapped = cross_validate(pairs, known)
    where = f"{len(rows)} rows of {path.name}"
    bounds = _bounds(known, rows, where)
    least = min(
        _rounded(float(np.quantile(true, _UNVERIFIED_BEYOND)), down=True), THRESHOLDS["unverified_meaning"].default
    )
    if least < THRESHOLDS["unverified_meaning"].default:
        bounds["unverified_meaning"] = Bound(bound=least, source=f"{where}, cross-validated: 1% of them lie below")
    write_bounds(known.pack, bounds)
    add_pack(known.pack)
    caught = f"{(swapped < least).mean():.3f} of swapped rows are caught"
    return [
        {"written": "lexicon.tsv", "value": f"{len(pairs)} pairs", "from": caught},
        *({"written": f"bounds.{name}", "value": f"{own.bound:g}", "from": own.source} for name, own in bounds.items()),
    ]


def _aligned(known: Language, path: Path) -> list[dict[str, str]]:
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


def _bounds(known: Language, rows: Sequence[dict[str, str]], where: str) -> dict[str, Bound]:
    names = ("id", "language", "text", "text_en", "back_translation")
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    scores = scorer(suite_of())(pa.table(columns))
    found = {}
    for name in FITTED:
        values = numbers_of(scores, THRESHOLDS[name].score)
        values = values[~np.isnan(values)]
        if len(values) >= _FEWEST and (bound := _bound(name, values, where)):
            found[name] = bound
    return found


def _bound(name: str, values: npt.NDArray[np.float64], where: str) -> Bound | None:
    """A bound that all but a few of these rows meet; None if the default will do."""
    threshold = THRESHOLDS[name]
    share = _BEYOND if threshold.is_floor else 1 - _BEYOND
    value = float(np.quantile(values, share))
    if threshold.flag == "length_ratio":
        value *= 1 - _ROOM if threshold.is_floor else 1 + _ROOM
    elif (value >= threshold.default) if threshold.is_floor else (value <= threshold.default):
        return None
    return Bound(bound=_rounded(value, threshold.is_floor), source=f"{where}: {share:.1%} of them lie below")


def _rounded(value: float, down: bool) -> float:
    step = 10.0 ** (math.floor(math.log10(abs(value))) + 1 - _DIGITS) if value else 1.0
    return (math.floor(value / step) if down else math.ceil(value / step)) * step
