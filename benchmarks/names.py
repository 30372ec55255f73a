"""Names that the text does not have: how many of planted ones `lost_names` finds, and on how many good rows it speaks.

    python benchmarks/names.py OUTSIDE [UPSTREAM]

OUTSIDE is the folder of outside_sets.py, UPSTREAM the published rows as in meaning.py. In the prompt of a good row, one
name is exchanged for one of another prompt (seed 0), which changes what a perfect translator would have written. No row
has a back-translation here.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from outside_sets import PARTS, demetr, in_part, multijail, ntrex

from polyrefuse_data import rows as schema
from polyrefuse_data.config import QualityConfig
from polyrefuse_data.languages import LANGUAGES
from polyrefuse_data.quality.batch import make_batch
from polyrefuse_data.quality.checks import THRESHOLDS
from polyrefuse_data.quality.checks.lost_names import LOST_NAMES, names_kept
from polyrefuse_data.quality.meaning.kept_names import names_to_keep
from polyrefuse_data.quality.thresholds import in_force
from quality import published, rows_with_english

Row = dict[str, Any]


def good_rows(outside: Path, upstream: Path | None) -> Iterator[tuple[str, Row]]:
    """(set, row) without back-translations, each row once."""
    seen = set()
    sets = {"MultiJail": multijail(outside), "NTREX": ntrex(outside), "DEMETR": (row for _, row, _ in demetr(outside))}
    for name, rows in sets.items():
        for row in rows:
            if (key := (row["text_en"], row["text"])) not in seen:
                seen.add(key)
                yield name, {**row, "back_translation": None}
    if upstream is not None:
        with published(upstream) as workspace:
            for row in rows_with_english(workspace):
                yield "published", {**row, "back_translation": None}


def planted(rows: Sequence[Row]) -> Iterator[Row]:
    """Rows whose prompt has a name, with another prompt's in its place."""
    names = sorted({name for row in rows for name in names_to_keep(row["text_en"])})
    for row in rows:
        own = names_to_keep(row["text_en"])
        rng = random.Random(f"0-{row['id']}")
        others = [name for name in names if name not in own]
        if own and others:
            old, new = rng.choice(own), rng.choice(others).capitalize()
            source = re.sub(rf"\b{re.escape(old)}\b", new, row["text_en"], flags=re.IGNORECASE)
            if source != row["text_en"]:
                yield {**row, "text_en": source}


def flagged(rows: Sequence[Row]) -> float:
    batch = make_batch(schema.table_from_rows([{k: v for k, v in row.items() if k in schema.COLUMNS} for row in rows]))
    kept = names_kept(batch)["names_kept"]
    bounds = BOUNDS.bounds(LOST_NAMES.name, batch.language)
    return float(np.mean(kept < bounds))


BOUNDS = in_force(THRESHOLDS.values(), QualityConfig())


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure lost_names on planted names and on good rows.")
    parser.add_argument("outside", type=Path)
    parser.add_argument("upstream", type=Path, nargs="?")
    parser.add_argument("--part", choices=PARTS, default="all")
    options = parser.parse_args()
    found: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for name, row in good_rows(options.outside, options.upstream):
        found[row["language"]][name].append(row)
    for code in filter(found.__contains__, LANGUAGES):
        cells = []
        for name, rows in found[code].items():
            own = in_part(rows, options.part)
            bad = list(planted(own))
            cells.append(f"{name} {flagged(bad):.3f} of {len(bad)} planted, {flagged(own):.3f} of {len(own)} good")
        print(f"{code}  {'; '.join(cells)}")


if __name__ == "__main__":
    main()
