"""Cutting texts into units: what is cut where, and that joining gives the text back to the character."""

from __future__ import annotations

import time
from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polyrefuse_data.text.spans import SPAN
from polyrefuse_data.translation.split import Part, split_around_spans, split_long, split_sentences
from tests.cases import quick

PIECES = [
    "Hello there.",
    "你好。",
    " ",
    "\n",
    "\r\n",
    "- ",
    "1. ",
    "`a. B`",
    "{name}",
    "%s",
    "https://x.y/z?q=1.",
    "...",
    "Dr. Who",
]


PROSE = [
    "Stop. Then (see below) go on; wait, and rest!",
    "word " * 30,
    "你好。请问怎么走？",
    "Dr. Who said: “No.” Why",
    "```How do I bake a cake?",
    "a ` b",
    "> - list",
    "1) first",
]
SPANS = [
    "`ls -la /var. All; of it`",
    "`" + "long code. " * 6 + "`",
    "https://x.org/" + "a/B,c;" * 12 + "z",
    "www.x.org/a?b=C",
    "<a href='x. Y, z'>",
    "</b>",
    "<i\u2028>",
    "first.last@mail.example.org",
    "[[SOME. Name here]]",
    "{{ your. Name }}",
    "{name}",
    "{0}{1}{city}",
    "%(name)s",
    "%1$s",
    "{ name }",
    "{0:.2f}",
    "{items[0]}",
    "<|im_start|>",
    "${var}",
    "__TOKEN__",
    "$HOME_DIR",
    "```python\nprint('Hi. You')\n```",
    "```x = 1```",
]
TEXTS = st.lists(
    st.tuples(st.sampled_from(PROSE + SPANS), st.sampled_from([" ", " ", "\n", "\r\n\n", ". ", ", "])), max_size=12
).map(lambda pairs: "".join(piece + space for piece, space in pairs))


def translated(parts: list[Part]) -> list[str]:
    return [part.text for part in parts if part.translate]


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)), st.integers(1, 40))
def test_parts_join_to_the_text_and_units_are_short_and_trimmed(text: str, longest: int) -> None:
    for parts in (split_sentences(text, longest), split_long(text, longest), split_around_spans(text)):
        assert "".join(part.text for part in parts) == text
        assert all(unit == unit.strip() for unit in translated(parts))
    assert all(len(unit) <= longest for unit in translated(split_sentences(text, longest)))
    assert all(len(unit.splitlines()) == 1 for unit in translated(split_sentences(text, 1000)))


@example("`all of it is code` b. Go on", 10)  # what follows a span is not at the start of a line
@given(TEXTS, st.integers(20, 400))
def test_no_span_is_cut_and_all_prose_is_asked(text: str, longest: int) -> None:
    """A span lies in one part, by itself only where it is carried over; what is carried over holds no other letter."""
    spans = [match.span() for match in SPAN.finditer(text)]
    outside = "".join(" " * len(piece) if number % 2 else piece for number, piece in enumerate(_in_turn(text, spans)))
    for split in (split_sentences, split_long):
        parts = split(text, longest)
        assert "".join(part.text for part in parts) == text
        ends = [0, *accumulate(len(part.text) for part in parts)]
        assert not [end for end in ends if any(start < end < stop for start, stop in spans)]
        for part, begin, end in zip(parts, ends, ends[1:], strict=False):
            assert part.translate == any(map(str.isalpha, outside[begin:end]))
            assert not part.translate or len(part.text) <= longest
    assert _letters("".join(translated(split_around_spans(text)))) == _letters(outside)


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def _in_turn(text: str, spans: list[tuple[int, int]]) -> list[str]:
    """What is outside of the spans and what is inside, in turn."""
    ends = [0, *(end for span in spans for end in span), len(text)]
    return [text[begin:end] for begin, end in pairwise(ends)]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("How are you? Tell me. I listen!", ["How are you?", "Tell me.", "I listen!"]),
        ("Ask Dr. Smith about the U.S. Army, e.g. Tuesday.", ["Ask Dr. Smith about the U.S. Army, e.g. Tuesday."]),
        ("Version 2.0 is out... it works.", ["Version 2.0 is out... it works."]),
        ("She said “Stop.” Then she left.", ["She said “Stop.”", "Then she left."]),
        ("你好。请问怎么走？谢谢！", ["你好。", "请问怎么走？", "谢谢！"]),
        ("ما هذا؟ أخبرني۔ شكرا", ["ما هذا؟", "أخبرني۔", "شكرا"]),
        ("Steps:\n- Mix flour.\n- Bake it.\n\n2) Eat", ["Steps:", "Mix flour.", "Bake it.", "Eat"]),
        ("Run `a. B` on https://x.y/a?b=C. Then stop.", ["Run `a. B` on https://x.y/a?b=C.", "Then stop."]),
        ("Fix:\n```\nprint('Hi. You')\n```\nThanks", ["Fix:", "Thanks"]),
        ("{name}\n123 - 456\n???", []),
        ("```a. B```\nHow do I bake bread?\n```c. D```", ["How do I bake bread?"]),
        ("```a. B``` How do I bake bread? ```c. D```", ["How do I bake bread?"]),
        ("```How do I bake a cake?", ["```How do I bake a cake?"]),
        ("A. Lincoln was who?", ["A. Lincoln was who?"]),
        ("A. Lincoln\n\nC. Darwin", ["A. Lincoln", "C. Darwin"]),
        ("Which?\n  A. Lincoln\n  B. Grant", ["Which?", "Lincoln", "Grant"]),
        ("a. Mix\n(B) Bake\nC) Eat", ["Mix", "Bake", "Eat"]),
    ],
)
def test_units_are_the_sentences_without_marks_and_code(text: str, units: list[str]) -> None:
    assert translated(split_sentences(text, 400)) == units


def test_long_sentence_is_cut_at_clauses_then_words_then_anywhere() -> None:
    assert translated(split_sentences("one two three, four five six; seven eight", 30)) == [
        "one two three, four five six;",
        "seven eight",
    ]
    assert translated(split_sentences("aa bb cc dd ee", 8)) == ["aa bb", "cc dd ee"]
    assert translated(split_sentences("x" * 10, 4)) == ["xxxx", "xxxx", "xx"]


def test_whole_texts_are_cut_only_where_they_are_too_long() -> None:
    text = "  First line.\nSecond line.  "
    assert translated(split_long(text, 100)) == ["First line.\nSecond line."]
    assert translated(split_long(text, 20)) == ["First line.", "Second line."]


def test_code_between_long_words_is_not_cut() -> None:
    text = "word " * 77 + "then run `ls -la /var/log --all` and say what it prints."
    assert translated(split_sentences(text, 400)) == [
        "word " * 77 + "then run",
        "`ls -la /var/log --all` and say what it prints.",
    ]
    link = "https://x.org/" + "a" * 400
    assert translated(split_sentences(f"Read {link} and tell me.", 400)) == ["Read", "and tell me."]


def test_long_texts_are_few_units_of_neighbouring_sentences() -> None:
    text = "".join(f"- Sentence number {number} is here. It has a second one.\n" for number in range(200))
    units = translated(split_long(text, 4000))
    assert len(units) == 3
    assert min(map(len, units[:-1])) > 3900
    assert not [unit for unit in units if unit.endswith("-") or unit.startswith("Sentence")]  # a bullet with its words
    code = "```\n" + "x = 1\n" * 100 + "```"
    assert translated(split_long(f"Explain this:\n{code}\n{code}\nThen run it.", 400)) == [
        "Explain this:",
        "Then run it.",
    ]
    assert translated(split_long(f"{code}\nOne. Two.\n{code}", 650)) == [f"{code}\nOne. Two."]


def test_words_between_spans_come_without_the_marks_at_their_edges() -> None:
    assert translated(split_around_spans("Write to {name}, then (see <b>page</b>).")) == [
        "Write to",
        "then (see",
        "page",
    ]


@pytest.mark.parametrize(
    "text", quick(["a", "a.b.", "{", "<a", "\n", "http://"], ["a b ", "`", "%0", " ", "a. A", "x@", "[[", "。"])
)
def test_cutting_100_kb_of_anything_is_quick(text: str) -> None:
    started = time.process_time()
    long = text * (100_000 // len(text))
    assert "".join(part.text for part in split_sentences(long, 400)) == long
    split_around_spans(long)
    assert time.process_time() - started < 5  # minutes, if it grew with the square
