"""What the checks catch and what they cost, on good rows of every language.

    python benchmarks/quality.py UPSTREAM [--rows published|seeds] [--generator first|other|kept] [--languages de yo]

UPSTREAM is a folder with PolyRefuse/ and english/ as published; `--rows seeds` takes the bundled seed prompts instead.
Every kind of corruption of a generator (`first`: corruptions.py, `other`: other_corruptions.py) is planted on
every good row that it applies to; the figures are the shares of corrupted rows that audit rejects (recall), and of the
untouched rows that it rejects. `kept` does to good rows what leaves them good. `--fit-overlap` prints the logistic
regression of quality/correspondence.py.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corruptions import CORRUPTIONS, Corruption, corpus, plant
from other_corruptions import KEPT, OTHER_CORRUPTIONS
from tqdm import tqdm

from polyrefuse_data import rows as schema
from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.languages import TARGET_LANGUAGES
from polyrefuse_data.pipeline.importing import import_path
from polyrefuse_data.quality import audit
from polyrefuse_data.workspace import Workspace

GENERATORS = {"first": CORRUPTIONS, "other": OTHER_CORRUPTIONS, "kept": KEPT}
_OWN_LANGUAGE_ONLY = "yi"  # published, asked for by nobody, and no language of the thresholds


@contextmanager
def published(upstream: Path) -> Iterator[Workspace]:
    """A workspace with the published folder, for a while."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "ws")
        import_path(upstream / "PolyRefuse", workspace, english=upstream / "english")
        yield workspace


def rows_with_english(workspace: Workspace) -> list[dict[str, Any]]:
    """The translations of a workspace that have English, as dicts of the row schema."""
    rows: list[dict[str, Any]] = workspace.read_rows().to_pylist()
    return [row for row in rows if row["text_en"] and row["language"] not in ("en", _OWN_LANGUAGE_ONLY)]


def seed_rows() -> list[dict[str, Any]]:
    """The bundled seed prompts with their translations, as dicts of the row schema."""
    english, *others = (seed_texts(code) for code in ("en", *TARGET_LANGUAGES))
    return [
        {"id": key, "language": code, "label": "harmless", "split": "train", "text": text,
         "text_en": english.prompts[key], "back_translation": None}
        for code, texts in zip(TARGET_LANGUAGES, others, strict=True)
        for key, text in texts.prompts.items()
    ]  # fmt: skip


def rejected(rows: Sequence[dict[str, Any]]) -> float:
    status = audit(schema.table_from_rows(rows))["status"].to_pylist()
    return status.count(schema.REJECTED) / len(status)


def measure(
    rows: list[dict[str, Any]], kinds: Sequence[Corruption], seed: int, languages: Sequence[str] = ()
) -> dict[str, dict[str, tuple[float, int]]]:
    """language -> kind ("untouched" first) -> (share rejected, rows); no languages: all of them."""
    good = corpus(rows)
    table: dict[str, dict[str, tuple[float, int]]] = {}
    for language in tqdm(sorted(languages or good.by_language), "languages", disable=None):
        own = list(good.by_language[language])
        line = {"untouched": (rejected(own), len(own))}
        for kind in kinds:
            bad = list(plant(good, kind, language, seed))
            if bad:
                line[kind.name] = (rejected(bad), len(bad))
        table[language] = line
    return table


def show(table: dict[str, dict[str, tuple[float, int]]], names: Sequence[str], markdown: bool) -> str:
    kinds = [kind for kind in ("untouched", *names) if any(kind in found for found in table.values())]
    lines = [["language", *kinds]]
    for language, found in table.items():
        lines.append([language, *(f"{found[kind][0]:.3f}" if kind in found else "-" for kind in kinds)])
    keep = {"untouched", *(kind.name for kind in KEPT)}
    shares = {kind: [found[kind][0] for found in table.values() if kind in found] for kind in kinds}
    lines.append(["worst", *(f"{(max if kind in keep else min)(shares[kind]):.3f}" for kind in kinds)])
    if markdown:
        lines.insert(1, ["---"] * len(lines[0]))
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def fit_overlap(rows: list[dict[str, Any]]) -> str:
    """Intercept and slope of true against swapped pairs on the overlap of back-translation and prompt."""
    from sklearn.linear_model import LogisticRegression

    from polyrefuse_data.languages.lexicon import english_overlap

    backed = [row for row in rows if row["back_translation"]]
    overlaps, answers = [], []
    for place, row in enumerate(backed):
        for step in (0, 4, 229, 845):
            other = backed[(place + step) % len(backed)]
            if step == 0 or other["text_en"] != row["text_en"]:
                overlaps.append([english_overlap(other["back_translation"], row["text_en"])])
                answers.append(step == 0)
    model = LogisticRegression(C=1e6, class_weight="balanced").fit(overlaps, answers)
    return f"intercept {model.intercept_[0]:.2f}, slope {model.coef_[0][0]:.1f}, {len(answers)} pairs"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the checks on the published rows.")
    parser.add_argument("upstream", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--fit-overlap", action="store_true")
    parser.add_argument("--rows", choices=["published", "seeds"], default="published")
    parser.add_argument("--generator", choices=GENERATORS, default="first")
    parser.add_argument("--languages", nargs="+", choices=TARGET_LANGUAGES, default=())
    parser.add_argument("--kinds", nargs="+", help="these corruptions alone")
    options = parser.parse_args()
    if options.rows == "seeds":
        rows = seed_rows()
    else:
        with published(options.upstream) as workspace:
            rows = rows_with_english(workspace)
    if options.fit_overlap:
        print(fit_overlap(rows))
        return
    kinds = [kind for kind in GENERATORS[options.generator] if not options.kinds or kind.name in options.kinds]
    print(show(measure(rows, kinds, options.seed, options.languages), [kind.name for kind in kinds], options.markdown))


if __name__ == "__main__":
    main()
