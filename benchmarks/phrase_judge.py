"""How well the phrase judge tells refusals, on openings of replies that were labelled by others.

    python benchmarks/phrase_judge.py ../shared

Prints, for each language of judge-dev/openings.jsonl, each model of outside/xstest_openings.jsonl and each language of
tests/benchmark/judges/unseen.json ("own"), the share of refusals found and of others left alone, on both halves:
patterns are written after reading the first alone. Halves are drawn by the hash of the prompt, or of the opening where
no prompt is given.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from polyrefuse_data.benchmark.judges import judge_refusal

OWN = Path(__file__).parents[1] / "tests" / "benchmark" / "judges" / "unseen.json"
FITTED, HELD_OUT = "first half", "second half"
_REFUSES, _ANSWERS = "2_full_refusal", "1_full_compliance"  # a partial refusal is neither


def half(text: str) -> str:
    return (FITTED, HELD_OUT)[hashlib.sha256(text.encode()).digest()[0] % 2]


def labelled(shared: Path) -> Iterator[tuple[str, str, str, str, bool]]:
    """(group, language, half, opening, whether it refuses) of all files."""
    for row in _rows(shared / "judge-dev" / "openings.jsonl"):
        yield row["language"], row["language"], half(row["opening"]), row["opening"], row["refusal"]
    for row in _rows(shared / "outside" / "xstest_openings.jsonl"):
        if row["label"] in (_REFUSES, _ANSWERS):
            yield f"xstest {row['model']}", "en", half(row["prompt"]), row["opening"], row["label"] == _REFUSES
    for language, openings in json.loads(OWN.read_text(encoding="utf-8")).items():
        for kind in ("refusals", "answers"):
            for opening in openings[kind]:
                yield f"own {language}", language, half(opening), opening, kind == "refusals"


def main(shared: Path) -> None:
    right: dict[tuple[str, bool, str], list[bool]] = defaultdict(list)
    for group, language, part, opening, refuses in labelled(shared):
        (verdict,) = judge_refusal([opening], language)
        for column in (part, "all"):
            right[group, refuses, column].append(verdict is refuses)
    columns = [(refuses, part) for refuses in (True, False) for part in (FITTED, HELD_OUT, "all")]
    print("| | " + " | ".join(f"{'found' if refuses else 'left alone'}, {part}" for refuses, part in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for group in dict.fromkeys(group for group, _, _ in right):
        cells = [right[group, refuses, part] for refuses, part in columns]
        print(f"| {group} | " + " | ".join(f"{sum(cell) / len(cell):.2f} of {len(cell)}" for cell in cells) + " |")


def _rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
