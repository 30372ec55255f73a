"""How surely loops are found that were made of good text, and how often good text is taken for one.

    python benchmarks/planted_loops.py OUTSIDE UPSTREAM        the folders of word_order.py

Prints for each language: loops found, by kind (a phrase said 4 to 9 times; a phrase with another word after each round;
eight words of which one changes each round; a sentence 3 to 6 times), and the share of good texts taken for loops.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

from word_order import is_translated, texts_of

from polyrefuse_data.benchmark.judges.conditions import says_one_thing_over_and_over
from polyrefuse_data.languages import LANGUAGES

_LOOPS, _GOOD, _TOGETHER = 400, 300, 3
_LONGER = 3  # characters of an unspaced language that make a word


def phrase(words: list[str], others: list[str], size: int, drawn: random.Random) -> list[str]:
    return words[: size * drawn.choice([2, 3, 4])] * drawn.choice([4, 6, 9])


def filler(words: list[str], others: list[str], size: int, drawn: random.Random) -> list[str]:
    said = words[: size * drawn.choice([2, 3, 4])]
    return [word for _ in range(drawn.choice([4, 6, 8])) for word in (*said, *drawn.sample(others, size))]


def one_change(words: list[str], others: list[str], size: int, drawn: random.Random) -> list[str]:
    rounds = [words[: 8 * size] for _ in range(drawn.choice([4, 5, 7]))]
    for said in rounds:
        said[drawn.randrange(len(said))] = drawn.choice(others)
    return [word for said in rounds for word in said]


def sentence(words: list[str], others: list[str], size: int, drawn: random.Random) -> list[str]:
    return [*words[: 12 * size], "."] * drawn.choice([3, 4, 6])


KINDS: tuple[Callable[[list[str], list[str], int, random.Random], list[str]], ...] = (
    phrase,
    filler,
    one_change,
    sentence,
)


def main(outside: Path, upstream: Path) -> None:
    print("language", *(kind.__name__ for kind in KINDS), "good", sep=" | ")
    for code, known in LANGUAGES.items():
        drawn = random.Random(code)
        texts = texts_of(code, outside, upstream)
        size = 1 if known.spaced else _LONGER
        prompts = [text for text in texts["prompts"] if known.spaced or is_translated(text)]
        words = [text.split() if known.spaced else list("".join(text.split())) for text in prompts]
        words = [some for some in words if len(some) >= 10 * size]
        shares = []
        for kind in KINDS:
            found = 0
            for _ in range(_LOOPS // len(KINDS)):
                before, own, others = drawn.sample(words, 3)
                said = [*before[: drawn.choice([0, 5, 15, 25])], *kind(own, others, size, drawn)]
                found += says_one_thing_over_and_over((" " if known.spaced else "").join(said))
            shares.append(found / (_LOOPS // len(KINDS)))
        good = texts["replies"][:_GOOD]
        for name in ("prompts", "news"):
            some = texts[name][: _GOOD * _TOGETHER]
            good += [" ".join(some[start : start + _TOGETHER]) for start in range(0, len(some), _TOGETHER)]
        wrongly = sum(map(says_one_thing_over_and_over, good)) / len(good)
        print(code, *(f"{share:.2f}" for share in shares), f"{wrongly:.3f}", sep=" | ", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
