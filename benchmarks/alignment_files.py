"""Files of prompts and translations in parallel, and out of it in every way that alignment.py measures."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Pair = tuple[str, str]  # (English, its translation)

_GARBAGE = ("Sorry, I can't help with that.", "...", "error 500", "")


@dataclass(frozen=True)
class File:
    """English prompts, the texts beside them, and for each text the prompt that it translates; None: no matter."""

    english: list[str]
    texts: list[str]
    own: list[str | None]

    @classmethod
    def of(cls, english: Sequence[Pair], texts: Sequence[Pair]) -> File:
        return cls([pair[0] for pair in english], [pair[1] for pair in texts], [pair[0] for pair in texts])


Damage = Callable[[random.Random, list[Pair], list[Pair]], File]  # of rows, with as many rows of other prompts


def lost(count: int) -> Damage:
    def damage(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
        first = drawn.randrange(1, len(rows) - count)
        return File.of(rows, rows[:first] + rows[first + count :] + others[:count])

    return damage


def lost_before_the_last(count: int) -> Damage:
    def damage(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
        return File.of(rows, rows[: -count - 1] + rows[-count:] + others[:1])

    return damage


def missing(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
    first = drawn.randrange(1, len(rows) - 1)
    return File.of(rows, rows[:first] + rows[first + 1 :])


def doubled(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
    first = drawn.randrange(1, len(rows) - 1)
    return File.of(rows, rows[:first] + rows[first - 1 : -1])


def turned(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
    step = drawn.choice((1, 2, 5, -1, -2, -5))
    return File.of(rows, rows[step:] + rows[:step])


def shuffled(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
    return File.of(rows, drawn.sample(rows, len(rows)))


def swapped_blocks(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
    fifth = len(rows) // 5
    parts = [rows[start : start + fifth] for start in range(0, 4 * fifth, fifth)]
    return File.of(rows, [*parts[0], *parts[3], *parts[2], *parts[1], *rows[4 * fifth :]])


def swapped_neighbours(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
    first = drawn.randrange(len(rows) - 1)
    return File.of(rows, [*rows[:first], rows[first + 1], rows[first], *rows[first + 2 :]])


def foreign(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
    return File.of(rows, others)


def foreign_third(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
    third = len(rows) // 3
    return File.of(rows, rows[:third] + others[third : 2 * third] + rows[2 * third :])


def garbage_fifth(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
    file = File.of(rows, rows)
    for place in drawn.sample(range(len(rows)), len(rows) // 5):
        cut, copied = drawn.choice(rows)[1][:20], rows[place][0]
        file.texts[place], file.own[place] = drawn.choice((*_GARBAGE, cut, copied)), None
    return file


def repeated(drawn: random.Random, rows: list[Pair]) -> list[Pair]:
    return [drawn.choice(rows[:place]) if place and place % 3 == 0 else row for place, row in enumerate(rows)]


def repeating(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
    rows = repeated(drawn, rows)
    return File.of(rows, rows)


def repeating_and_lost(drawn: random.Random, rows: list[Pair], others: list[Pair]) -> File:
    return lost(1)(drawn, repeated(drawn, rows), others)


GOOD: dict[str, Damage] = {
    "parallel": lambda drawn, rows, others: File.of(rows, rows),
    "a fifth is garbage": garbage_fifth,
    "a third of the rows repeat others": repeating,
}
DAMAGES: dict[str, Damage] = {
    "shuffled": shuffled,
    "other prompts": foreign,
    "all shifted": turned,
    "a row lost, as many rows": lost(1),
    "five rows lost, as many rows": lost(5),
    "a row lost, a row fewer": missing,
    "a row doubled": doubled,
    "the last ten shifted": lost_before_the_last(10),
    "the last three shifted": lost_before_the_last(3),
    "a third is of other prompts": foreign_third,
    "two fifths swapped": swapped_blocks,
    "two neighbours swapped": swapped_neighbours,
    "repeats, and a row lost": repeating_and_lost,
}


def draw(drawn: random.Random, pairs: Sequence[Pair], size: int) -> tuple[list[Pair], list[Pair]]:
    """`size` rows of one kind, and as many of other prompts of it.

    Of a small set, prompts are joined by twos, or by as many as give enough different ones.
    """
    if len(pairs) < 2 * size:
        together = next(count for count in range(2, len(pairs) + 1) if math.perm(len(pairs), count) >= 4 * size)
        joined: dict[str, Pair] = {}
        while len(joined) < 2 * size:
            english, texts = zip(*drawn.sample(pairs, together), strict=True)
            joined["".join(english)] = (" ".join(english), " ".join(texts))
        pairs = list(joined.values())
    order = drawn.choice([None, lambda pair: len(pair[0]), lambda pair: -len(pair[0]), lambda pair: pair[0]])
    some = sorted(drawn.sample(pairs, len(pairs)), key=order) if order else drawn.sample(pairs, len(pairs))
    some = some[: 2 * size]
    drawn.shuffle(some)
    return some[:size], some[size:]
