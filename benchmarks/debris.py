"""What of a machine's debris the check `debris` finds, and how many good rows it takes for some.

    python benchmarks/debris.py UPSTREAM [--outside FOLDER] [--rows 48] [--part shown|fitted] [--markdown]

UPSTREAM is a folder with PolyRefuse/ and english/ as published, FOLDER one with sets of other makers (MultiJail, NTREX,
MLQE). Every kind of artefact is planted on so many good rows of each language, in each of its forms in turn. The words
of labels and notes were chosen on one half of the English prompts (`--part fitted`); what is shown is the other half.
`kept` are good rows whose prompt holds such marks itself, and so does the translation.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from artefacts import ARTEFACTS, Row, found, kept, planted

from polyrefuse_data.languages import TARGET_LANGUAGES
from quality import published, rows_with_english, seed_rows


def good_rows(upstream: Path, outside: Path | None) -> list[Row]:
    with published(upstream) as workspace:
        rows = [(row["language"], row["text_en"], row["text"]) for row in rows_with_english(workspace)]
    rows += [(row["language"], row["text_en"], row["text"]) for row in seed_rows()]
    return [*rows, *(others(outside) if outside else ())]


def others(folder: Path) -> Iterator[Row]:
    with (folder / "multijail_odd.csv").open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    records += map(json.loads, (folder / "ntrex_600.jsonl").read_text(encoding="utf-8").splitlines())
    for record in records:
        yield from ((code, record["en"], record[code]) for code in TARGET_LANGUAGES if (record.get(code) or "").strip())
    for code, space in (("de", " "), ("zh", "")):  # the Chinese is in tokens
        for line in (folder / f"mlqe_en-{code}_odd.jsonl").read_text(encoding="utf-8").splitlines():
            pair = json.loads(line)
            yield code, pair["en"], pair["text"].replace(" ", space)


def part_of(rows: Sequence[Row], part: str) -> list[Row]:
    wanted = part == "shown"
    return [row for row in rows if (hashlib.sha256(row[1].encode()).digest()[0] % 2 == 0) == wanted]


def measure(rows: Sequence[Row], count: int) -> dict[str, dict[str, float]]:
    """language -> "good", "kept" and each kind of artefact -> the share with debris."""
    table = {}
    for code in TARGET_LANGUAGES:
        own = [row for row in rows if row[0] == code]
        some = own[:: max(1, len(own) // count)][:count]
        table[code] = {"good": found(own), "kept": found([*kept(own)])}
        table[code] |= {kind: found([*planted(some, changes)]) for kind, changes in ARTEFACTS.items()}
    return table


def show(table: dict[str, dict[str, float]], markdown: bool) -> str:
    lines = [["", *table, "worst"]]
    for kind in next(iter(table.values())):
        shares = [line[kind] for line in table.values()]
        worst = (max if kind in ("good", "kept") else min)(shares)
        lines.append([kind, *(f"{share:.3f}" for share in (*shares, worst))])
    if markdown:
        lines.insert(1, ["---"] * len(lines[0]))
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n".join("  ".join(cell.ljust(14) if not n else cell for n, cell in enumerate(line)) for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the check `debris`.")
    parser.add_argument("upstream", type=Path)
    parser.add_argument("--outside", type=Path)
    parser.add_argument("--rows", type=int, default=48)
    parser.add_argument("--part", choices=["shown", "fitted"], default="shown")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    rows = part_of(good_rows(options.upstream, options.outside), options.part)
    print(show(measure(rows, options.rows), options.markdown))


if __name__ == "__main__":
    main()
