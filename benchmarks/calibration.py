"""How far p_good is to be believed: fitted on one half of the prompts, shown on the other.

    python benchmarks/calibration.py OUTSIDE UPSTREAM [--write] [--diagram FILE] [--kept FILE]

OUTSIDE is the folder of outside_sets.py, UPSTREAM has PolyRefuse/ and english/ as published. Prints expected
calibration error, Brier score and a reliability table, for all languages and for each, on prompts that no fit has seen,
and what single kinds of rows get. `--write` fits the tables of the language packs first (probability.toml),
`--diagram` draws them as SVG. `--kept` is a file for the scored rows: learning the lexicons takes ten minutes.

The lexicons know the published rows. So those are scored by lexicons that were learnt from the other half.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from labelled_rows import Labelled, labelled_rows
from outside_sets import part_of
from reliability_diagram import diagram

from polyrefuse_data import rows as schema
from polyrefuse_data.languages import LANGUAGES
from polyrefuse_data.languages import language as language_of
from polyrefuse_data.languages.lexicon import Lexicon, lexicon_for
from polyrefuse_data.languages.lexicon.train import Pairs, aligned_pairs, learn
from polyrefuse_data.quality import correspondence
from polyrefuse_data.quality.auditing import audit_rows
from polyrefuse_data.quality.probability.evidence import probability
from polyrefuse_data.quality.probability.fit import LENGTH, SIGNS, Known, Mask, fit
from polyrefuse_data.quality.probability.tables import write_tables
from polyrefuse_data.quality.score_table import numbers_of
from polyrefuse_data.quality.thresholds import Score
from quality import published, rows_with_english

_WORDS = 20  # characters: shorter pairs are words and phrases, which are no prompts and in both halves
_BINS = 10


def scored(outside: Path, upstream: Path) -> pa.Table:
    """The scores of all labelled rows, with what is known of each."""
    with published(upstream) as workspace:
        rows, pairs = rows_with_english(workspace), aligned_pairs(workspace.path)
    labelled = labelled_rows(outside, rows)
    tables = []
    for part in ("fit", "shown"):
        learnt = {
            code: learn(_others(some, part), language_of(code)) for code, some in pairs.items() if code in LANGUAGES
        }
        for is_published in (True, False):
            own = [row for row in labelled if row.part == part and row.is_published is is_published]
            tables.append(_scored(own, learnt.get if is_published else lexicon_for))
    return pa.concat_tables(tables)


def _others(pairs: Pairs, part: str) -> Pairs:
    return [pair for pair in pairs if len(pair[0]) < _WORDS or part_of({"text_en": pair[0]}) != part]


def _scored(rows: Sequence[Labelled], lexicons: Callable[[str], Lexicon | None]) -> pa.Table:
    plain = [{name: value for name, value in row.row.items() if name in schema.COLUMNS} for row in rows]
    with mock.patch.object(correspondence, "lexicon_for", lexicons):
        audited, scores = audit_rows(schema.table_from_rows(plain))
    known = {
        "accepted": pc.equal(audited["status"], schema.ACCEPTED),
        "good": pa.array([row.good for row in rows]),
        "part": pa.array([row.part for row in rows]),
        "family": pa.array([row.family for row in rows]),
        "group": pa.array([row.group for row in rows]),
        "prompt": pa.array([hashlib.sha256(row.prompt.encode()).digest()[1] for row in rows]),
    }
    names = ("language", "paired", *SIGNS, LENGTH)
    return pa.table({**{name: scores[name] for name in names}, **known})


def known_of(table: pa.Table) -> Known:
    """The scores as arrays. Good and faulty rows weigh the same in every language; within them, a family of rows weighs
    as the root of its number."""
    codes, good = (np.array(table[name].to_pylist()) for name in ("language", "good"))
    families = np.array(table["family"].to_pylist())
    weight = np.zeros(len(good))
    for code in np.unique(codes):
        for kind in (True, False):
            own = (codes == code) & (good == kind)
            for family in np.unique(families[own]):
                weight[own & (families == family)] = 1 / np.sqrt((own & (families == family)).sum())
            weight[own] /= weight[own].sum()
    scores = {name: numbers_of(table, name) for name in (*SIGNS, LENGTH)}
    return Known(scores, codes, good, weight * len(good), np.array(table["prompt"].to_pylist()))


def bins(p: Score, good: Mask, weight: Score) -> list[tuple[int, float, float, float]]:
    """(rows, weight, mean p_good, share of good rows) of ten equal ranges of p_good; empty ones are left out."""
    place = np.minimum((p * _BINS).astype(int), _BINS - 1)
    groups = [place == number for number in range(_BINS) if (place == number).any()]
    return [
        (
            int(own.sum()),
            float(weight[own].sum()),
            *(float(np.average(what[own], weights=weight[own])) for what in (p, good)),
        )
        for own in groups
    ]


def calibration_error(table: Sequence[tuple[int, float, float, float]]) -> float:
    """Expected calibration error: the mean distance of p_good from the share of good rows."""
    return sum(weight * abs(p - share) for _, weight, p, share in table) / sum(weight for _, weight, _, _ in table)


def show(p: Score, rows: Known, groups: npt.NDArray[np.str_]) -> None:
    """Print all figures."""
    whole = bins(p, rows.good, rows.weight)
    print("\np_good on prompts that no fit has seen\n\n| p_good | rows | mean | good |\n| --- | --- | --- | --- |")
    for count, _, mean, share in whole:
        print(f"| {int(mean * _BINS) / _BINS:.1f} | {count} | {mean:.3f} | {share:.3f} |")
    print("\n| language | rows | ECE | Brier |\n| --- | --- | --- | --- |")
    for code in ("all", *rows.languages):
        own = np.full(len(p), True) if code == "all" else rows.codes == code
        good, weight = rows.good[own], rows.weight[own]
        brier = float(np.average((p[own] - good) ** 2, weights=weight))
        print(f"| {code} | {own.sum()} | {calibration_error(bins(p[own], good, weight)):.3f} | {brier:.3f} |")
    print("\n| rows | number | mean p_good | below 0.5 | below 0.1 |\n| --- | --- | --- | --- | --- |")
    for name in sorted(np.unique(groups), key=lambda name: -p[groups == name].mean()):
        found = p[groups == name]
        print(
            f"| {name} | {len(found)} | {found.mean():.2f} | {(found < 0.5).mean():.3f} | {(found < 0.1).mean():.3f} |"
        )


def show_bounds(table: pa.Table) -> None:
    """Print how many accepted rows lie below some bounds: what a remark on p_good would mark."""
    p, good, accepted = probability(table), *(np.array(table[name].to_pylist()) for name in ("good", "accepted"))
    print("\n| p_good below | of accepted good rows | of accepted faulty rows |\n| --- | --- | --- |")
    for bound in (0.1, 0.2, 0.3, 0.4, 0.5):
        shares = [(p[accepted & (good == kind)] < bound).mean() for kind in (True, False)]
        print(f"| {bound} | {shares[0]:.3f} | {shares[1]:.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit p_good, and show how far it is to be believed.")
    parser.add_argument("outside", type=Path)
    parser.add_argument("upstream", type=Path)
    parser.add_argument("--write", action="store_true", help="fit the tables of the language packs")
    parser.add_argument("--diagram", type=Path, help="an SVG file to draw")
    parser.add_argument("--kept", type=Path, help="a Parquet file of scored rows to read, or else to write")
    options = parser.parse_args()
    if options.kept and options.kept.exists():
        table = pq.read_table(options.kept)
    else:
        table = scored(options.outside, options.upstream)
        if options.kept:
            pq.write_table(table, options.kept)
    if options.write:
        fitted = fit(known_of(table.filter(pc.equal(table["part"], "fit"))))
        for path in write_tables(
            fitted, "one half of the prompts of the published rows, MultiJail, NTREX, MLQE and DEMETR"
        ):
            print(path)
    shown = table.filter(pc.equal(table["part"], "shown"))
    rows, p = known_of(shown), probability(shown)
    show(p, rows, np.array([name.split(" in ")[0] for name in shown["group"].to_pylist()]))
    show_bounds(table.filter(pc.equal(table["part"], "fit")))
    if options.diagram:
        by_language = {code: rows.codes == code for code in rows.languages}
        groups = {"all languages": np.full(len(p), True), **by_language}
        curves = {name: bins(p[own], rows.good[own], rows.weight[own]) for name, own in groups.items()}
        options.diagram.write_text(diagram(curves), encoding="utf-8")


if __name__ == "__main__":
    main()
