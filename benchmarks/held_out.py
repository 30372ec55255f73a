"""The figures of quality.py on rows that the bundled lexicons have not seen.

    python benchmarks/held_out.py UPSTREAM [--generator first|other] [--languages de yo] [--folds 4]

The English prompts fall into folds. Every lexicon is learnt anew without a fold's prompts, in all rows and seeds, and
the whole audit then judges the published rows of that fold, untouched and with each corruption. Bounds and patterns
stay as they are: they were chosen with these rows in view.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from tqdm import tqdm

from polyrefuse_data.languages import TARGET_LANGUAGES
from polyrefuse_data.languages import language as language_of
from polyrefuse_data.languages.lexicon import Lexicon
from polyrefuse_data.languages.lexicon.train import aligned_pairs, learn
from polyrefuse_data.quality import correspondence, other_prompts
from polyrefuse_data.text.invisible import visible
from quality import GENERATORS, measure, published, rows_with_english, show

Table = dict[str, dict[str, tuple[float, int]]]


def folds(rows: Sequence[dict[str, Any]], count: int) -> list[set[str]]:
    """The English prompts of the rows in `count` parts, the same every time."""
    prompts = sorted({visible(row["text_en"]) for row in rows})
    random.Random(0).shuffle(prompts)
    return [set(prompts[part::count]) for part in range(count)]


def learn_without(pairs: Mapping[str, Sequence[tuple[str, str]]], prompts: set[str]) -> dict[str, Lexicon]:
    return {
        code: learn([pair for pair in some if pair[0] not in prompts], language_of(code))
        for code, some in pairs.items()
    }


def together(tables: Sequence[Table]) -> Table:
    """Shares over the rows of all folds."""
    sums: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
    for table in tables:
        for language, line in table.items():
            for kind, (share, rows) in line.items():
                sums[language][kind][0] += share * rows
                sums[language][kind][1] += rows
    return {
        language: {kind: (bad / rows, int(rows)) for kind, (bad, rows) in line.items()}
        for language, line in sums.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the checks on rows that no lexicon has seen.")
    parser.add_argument("upstream", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--generator", choices=GENERATORS, default="first")
    parser.add_argument("--languages", nargs="+", choices=TARGET_LANGUAGES, default=TARGET_LANGUAGES)
    options = parser.parse_args()
    with published(options.upstream) as workspace:
        rows, aligned = rows_with_english(workspace), aligned_pairs(workspace.path)
    pairs = {language: aligned[language] for language in options.languages}
    kinds = GENERATORS[options.generator]
    tables = []
    for prompts in tqdm(folds(rows, options.folds), "folds", disable=None):
        lexicons = learn_without(pairs, prompts)
        own = [row for row in rows if visible(row["text_en"]) in prompts]
        with (
            mock.patch.object(correspondence, "lexicon_for", lexicons.get),
            mock.patch.object(other_prompts, "lexicon_for", lexicons.get),
        ):
            tables.append(measure(own, kinds, options.seed, options.languages))
    print(show(together(tables), [kind.name for kind in kinds], options.markdown))


if __name__ == "__main__":
    main()
