"""What the proof of parallel files loses and what it finds, by the number of rows, with and without lexicons.

    python benchmarks/alignment.py UPSTREAM [--outside FOLDER] [--sizes 20 40 ...] [--rows 6000] [--seed 0] [--svg FILE]
    python benchmarks/alignment.py --catalogues /usr/share/locale [--sizes 20 40 ...] [--rows 6000] [--seed 0]
    python benchmarks/alignment.py UPSTREAM --outside FOLDER --fit

UPSTREAM is a folder with PolyRefuse/ and english/ as published, FOLDER one with ntrex_600.jsonl and multijail_odd.csv.
The English prompts fall into halves. Files are drawn from the second half, each of one set and language: short prompts,
long ones, prompts that begin alike, any; where a set is too small, prompts are joined. Lexicons are learnt from
the first half alone. `--catalogues` draws from the messages of the programs on this machine instead, in every language
that has enough of them, and knows no lexicon. `--fit` prints the weights of sources/evidence.py, fitted on the first
half with lexicons learnt from the second, and how much the cues tell there and here.
"""

from __future__ import annotations

import argparse
import csv
import gettext
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from alignment_files import DAMAGES, GOOD, File, Pair, draw
from held_out import folds, learn_without
from tqdm import tqdm

from polyrefuse_data.languages import TARGET_LANGUAGES
from polyrefuse_data.languages.lexicon import Lexicon
from polyrefuse_data.languages.lexicon.train import aligned_pairs
from polyrefuse_data.sources import evidence
from polyrefuse_data.sources.alignment import alignment
from polyrefuse_data.text.invisible import visible
from quality import published, rows_with_english

Sets = Mapping[tuple[str, str], Sequence[Pair]]  # (set, language) -> its pairs

SIZES = (20, 40, 100, 250, 1000, 3000)
_FEWEST, _MOST = 20, 400  # characters of a prompt; words and phrases of the seeds are none, manuals of programs neither


@dataclass
class Count:
    """Rows over all files of one kind and size: right ones not proven, or even refuted, and wrong ones proven."""

    files: int = 0
    right: int = 0
    right_not_proven: int = 0
    right_refuted: int = 0
    wrong: int = 0
    wrong_proven: int = 0
    files_lost: int = 0  # most of whose right rows are not proven
    files_believed: int = 0  # most of whose wrong rows are proven

    def add(self, file: File, lexicon: Lexicon | None) -> None:
        found = alignment(file.english, file.texts, lexicon)
        places = zip(file.own, [*file.english, *[""] * len(file.texts)], strict=False)
        right = np.array([None if own is None else own == english for own, english in places], dtype=object)
        good, bad = right == True, right == False  # noqa: E712  (None is neither)
        self.files += 1
        self.right += int(good.sum())
        self.right_not_proven += int((good & ~found.proven).sum())
        self.right_refuted += int((good & found.refuted).sum())
        self.wrong += int(bad.sum())
        self.wrong_proven += int((bad & found.proven).sum())
        self.files_lost += bool((good & ~found.proven).sum() * 2 > good.sum())
        self.files_believed += bool((bad & found.proven).sum() * 2 > bad.sum())


def halves(upstream: Path, outside: Path | None, both: bool) -> tuple[tuple[Sets, dict[str, Lexicon]], ...]:
    """For each half of the prompts: its pairs, and the lexicons of the other half (`both`: for the first one too)."""
    with published(upstream) as workspace:
        aligned = aligned_pairs(workspace.path)
        prompts = folds(rows_with_english(workspace), 2)
    aligned = {language: aligned[language] for language in TARGET_LANGUAGES}
    sets: tuple[dict[tuple[str, str], list[Pair]], ...] = ({}, {})
    for half, own in enumerate(prompts):
        for language, pairs in aligned.items():
            sets[half]["published", language] = [pair for pair in pairs if pair[0] in own and len(pair[0]) >= _FEWEST]
    if outside is not None:
        lines = (outside / "ntrex_600.jsonl").read_text(encoding="utf-8").splitlines()
        with (outside / "multijail_odd.csv").open(encoding="utf-8", newline="") as file:
            records = {"ntrex": [json.loads(line) for line in lines], "multijail": list(csv.DictReader(file))}
        for name, some in records.items():
            for language in [code for code in TARGET_LANGUAGES if some[0].get(code)]:
                pairs = [(visible(record["en"]), visible(record[language])) for record in some if record[language]]
                for half in (0, 1):
                    sets[half][name, language] = pairs[half::2]
    return tuple((sets[half], learn_without(aligned, prompts[half]) if half or both else {}) for half in (0, 1))


def catalogues(folder: Path, fewest: int = 300) -> Sets:
    """The messages of installed programs (gettext's .mo files) by language, where there are some hundreds of them."""
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for path in sorted(folder.glob("*/LC_MESSAGES/*.mo")):
        code = path.parts[-3]
        if code.startswith("en") or "@" in code or path.name.startswith("iso_"):  # of the last, names of places
            continue
        with path.open("rb") as file, suppress(ValueError, IndexError):  # a few are broken
            for english, text in gettext.GNUTranslations(file)._catalog.items():
                if isinstance(english, str) and text != english and _FEWEST <= len(english) <= _MOST:
                    found["catalogues", code][english] = text
    return {key: sorted(messages.items()) for key, messages in found.items() if len(messages) >= fewest}


def measure(
    sets: Sets, lexicons: Mapping[str, Lexicon], sizes: Sequence[int], rows: int, seed: int
) -> dict[tuple[bool, str, int], Count]:
    """(with a lexicon, kind, size) -> what was counted, over files of about so many `rows` together."""
    counts: dict[tuple[bool, str, int], Count] = defaultdict(Count)
    drawn = random.Random(seed)
    for size in sizes:
        files = max(2, min(100, rows // size))
        for _ in tqdm(range(files), f"files of {size} rows", disable=None):
            name, language = drawn.choice(sorted(sets))
            mine, others = draw(drawn, sets[name, language], size)
            for kind, damage in {**GOOD, **DAMAGES}.items():
                file = damage(drawn, mine, others)
                for lexicon in [lexicons[language], None] if language in lexicons else [None]:
                    counts[lexicon is not None, kind, size].add(file, lexicon)
    return counts


def table(counts: Mapping[tuple[bool, str, int], Count], sizes: Sequence[int], with_lexicon: bool) -> str:
    """Markdown: a line a kind, a column a size; what good files lose, and what is believed of damaged ones."""
    lines = [f"| {'with lexicons' if with_lexicon else 'without'} | {' | '.join(map(str, sizes))} |"]
    lines.append("|---" * (len(sizes) + 1) + "|")
    own = {size: counts[with_lexicon, next(iter(GOOD)), size].files for size in sizes}
    lines.append(f"| files | {' | '.join(str(own[size]) for size in sizes)} |")
    for kind in GOOD:
        some = [counts[with_lexicon, kind, size] for size in sizes]
        cells = [_share(count.right_not_proven, count.right, count.files_lost) for count in some]
        lines.append(f"| {kind}: right rows not proven | {' | '.join(cells)} |")
        cells = [_share(count.right_refuted, count.right, None) for count in some]
        lines.append(f"| of these refuted | {' | '.join(cells)} |")
    for kind in DAMAGES:
        some = [counts[with_lexicon, kind, size] for size in sizes]
        cells = [_share(count.wrong_proven, count.wrong, count.files_believed) for count in some]
        lines.append(f"| {kind}: wrong rows proven | {' | '.join(cells)} |")
    some = [[counts[with_lexicon, kind, size] for kind in DAMAGES] for size in sizes]
    cells = [_share(sum(c.right_not_proven for c in line), sum(c.right for c in line), None) for line in some]
    lines.append(f"| any of these: right rows not proven | {' | '.join(cells)} |")
    return "\n".join(lines)


def _share(bad: int, rows: int, files: int | None) -> str:
    """Per cent of rows, and in brackets of how many files most rows."""
    share = f"{100 * bad / rows:.2f}" if bad else "0"
    return f"{share} ({files})" if files else share


def draw_curve(counts: Mapping[tuple[bool, str, int], Count], sizes: Sequence[int], path: Path) -> None:
    """Errors against the number of rows: right rows not proven in parallel files, wrong ones proven in damaged ones."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "alignment"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    for with_lexicon, colour in ((True, "tab:blue"), (False, "tab:orange")):
        of = {size: [counts[with_lexicon, kind, size] for kind in DAMAGES] for size in sizes}
        wrong = [
            sum(count.wrong_proven for count in of[size]) / sum(count.wrong for count in of[size]) for size in sizes
        ]
        good = [counts[with_lexicon, "parallel", size] for size in sizes]
        lost = [count.right_not_proven / count.right for count in good]
        suffix = "with lexicons" if with_lexicon else "without"
        axes.plot(sizes, [100 * share for share in wrong], ".-", color=colour, label=f"wrong rows proven, {suffix}")
        axes.plot(sizes, [100 * share for share in lost], ".--", color=colour, label=f"right rows not proven, {suffix}")
    axes.set(xscale="log", xlabel="rows of the file", ylabel="% of rows", xticks=sizes, xticklabels=sizes)
    axes.minorticks_off()
    axes.legend(fontsize="small")
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def fit(parts: Sequence[tuple[Sets, Mapping[str, Lexicon]]], seed: int, rows: int = 120) -> None:
    """Print the weights under which the first half's prompts pick out their translations best, and what they tell."""
    from scipy.optimize import minimize

    drawn = random.Random(seed)
    found = []
    for sets, lexicons in parts:
        some = {key: drawn.sample(pairs, min(rows, len(pairs))) for key, pairs in sorted(sets.items())}
        found.append(
            [evidence.cues(*zip(*pairs, strict=True), lexicons[language]) for (_, language), pairs in some.items()]
        )
    names = list(evidence.WEIGHTS)

    def told(weights: Sequence[float], files: Sequence[Mapping[str, np.ndarray]], lexicon: bool) -> float:
        chosen = {name: weight for name, weight in zip(names, weights, strict=True) if lexicon or name != "lexicon"}
        odds = [evidence.against_rivals(sum(w * cues[name] for name, w in chosen.items())) for cues in files]
        return float(np.mean([one.diagonal().mean() for one in odds]))

    def loss(weights: Sequence[float]) -> float:
        return -told(weights, found[0], True) - told(weights, found[0], False)

    best = minimize(loss, np.ones(len(names)), method="L-BFGS-B").x
    print("weights", {name: round(float(weight), 2) for name, weight in zip(names, best, strict=True)})
    for half, files in zip(("first", "second"), found, strict=True):
        some = [f"{told(best, files, lexicon):.2f} {'with' if lexicon else 'without'}" for lexicon in (True, False)]
        print(f"nats a row in the {half} half: {', '.join(some)} lexicons")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the proof of parallel files.")
    parser.add_argument("upstream", type=Path, nargs="?")
    parser.add_argument("--outside", type=Path)
    parser.add_argument("--catalogues", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rows", type=int, default=6000, help="of each size, over its files together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    if options.catalogues:
        sets = catalogues(options.catalogues)
        print(f"{len(sets)} languages:", " ".join(sorted(code for _, code in sets)), end="\n\n")
        print(table(measure(sets, {}, options.sizes, options.rows, options.seed), options.sizes, with_lexicon=False))
        return
    if options.upstream is None:
        parser.error("name the folder with PolyRefuse/ and english/, or --catalogues")
    first, second = halves(options.upstream, options.outside, both=options.fit)
    if options.fit:
        fit([first, second], options.seed)
        return
    counts = measure(*second, options.sizes, options.rows, options.seed)
    for with_lexicon in (True, False):
        print(table(counts, options.sizes, with_lexicon), end="\n\n")
    if options.svg:
        draw_curve(counts, options.sizes, options.svg)


if __name__ == "__main__":
    main()
