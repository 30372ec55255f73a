"""How surely word_order.tsv tells text from the same words in another order: learnt on one half, shown on the other.

    python benchmarks/word_order.py OUTSIDE UPSTREAM [--write]

OUTSIDE is the folder of outside_sets.py with ../judge-dev beside it, UPSTREAM has PolyRefuse/ and english/ as
published. `--write` learns the tables of the packs from both halves. Prompts and sentences of the news are put together
to the length of a short reply; replies stand as they are.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from outside_sets import demetr, mlqe, multijail, ntrex

from polyrefuse_data.benchmark.judges.conditions import MOST_ODDS_OF_A_HEAP
from polyrefuse_data.languages import LANGUAGES
from polyrefuse_data.languages.word_order import PART, WordOrder, learn_word_order

_TOGETHER = {"prompts": 4, "news": 2, "replies": 1}  # to the length of a reply of some 60 tokens
_LEAST_WORDS = 15
_LEAST_CHARACTERS = 30


def texts_of(code: str, outside: Path, upstream: Path) -> dict[str, list[str]]:
    """Text that people would call good, by where it is from."""
    rows = [*multijail(outside), *ntrex(outside), *mlqe(outside), *(good for _, good, _ in demetr(outside))]
    english = "text_en" if code == "en" else "text"
    published = sorted((upstream / "PolyRefuse").glob(f"*_translated_{code}.json"))
    if code == "en":
        published += sorted((upstream / "english").glob("harmless*.json"))
    found = {
        "prompts": [row["instruction"] for path in published for row in json.loads(path.read_text("utf-8"))],
        "news": [row[english] for row in rows if code in ("en", row["language"])],
        "replies": list(_replies(code, outside)),
    }
    return {name: _distinct(texts) for name, texts in found.items()}


def _replies(code: str, outside: Path) -> Iterator[str]:
    for path, own in (
        (outside.parent / "judge-dev" / "openings.jsonl", None),
        (outside / "llama31_refusal_openings.jsonl", None),
        (outside / "xstest_openings.jsonl", "en"),
    ):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            if (own or row["language"]) == code:
                yield row["opening"]
    written = json.loads((Path("tests/benchmark/judges/replies.json")).read_text("utf-8"))[code]
    yield from (text for texts in written.values() for text in texts)


def _distinct(texts: Iterable[str]) -> list[str]:
    kept = list(dict.fromkeys(text for text in texts if text and text.strip()))
    random.Random(0).shuffle(kept)
    return kept


def heap_of(text: str, spaced: bool, drawn: random.Random) -> str:
    """The same words, or characters, in another order."""
    units = text.split() if spaced else [character for character in text if not character.isspace()]
    drawn.shuffle(units)
    return (" " if spaced else "").join(units)


def shown(table: WordOrder, texts: list[str], together: int, spaced: bool) -> tuple[int, float, float]:
    """How many texts, the share of them called heaps, and the share of their heaps that are found."""
    drawn = random.Random(1)
    joined = [" ".join(texts[start : start + together]) for start in range(0, len(texts) - together + 1, together)]
    joined = [
        text for text in joined if (len(text.split()) >= _LEAST_WORDS if spaced else len(text) >= _LEAST_CHARACTERS)
    ]
    good = [table.log_odds(text) < MOST_ODDS_OF_A_HEAP for text in joined]
    heaps = [table.log_odds(heap_of(text, spaced, drawn)) < MOST_ODDS_OF_A_HEAP for text in joined]
    return len(joined), sum(good) / max(1, len(good)), sum(heaps) / max(1, len(heaps))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("outside", type=Path)
    parser.add_argument("upstream", type=Path)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    for code, known in LANGUAGES.items():
        texts = texts_of(code, chosen.outside, chosen.upstream)
        if chosen.write:
            table = learn_word_order([text for some in texts.values() for text in some], known.spaced)
            assert known.pack
            (known.pack / PART).write_text(table.to_tsv(), encoding="utf-8")
            continue
        table = learn_word_order([text for some in texts.values() for text in some[1::2]], known.spaced)
        for name, some in texts.items():
            count, wrongly, found = shown(table, some[::2], _TOGETHER[name], known.spaced)
            print(f"| {code} | {name} | {count} | {wrongly:.3f} | {found:.3f} |", flush=True)


if __name__ == "__main__":
    main()
