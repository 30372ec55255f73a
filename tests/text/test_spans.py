from __future__ import annotations

import time

import pytest

from polyrefuse_data.text.spans import SPAN, lost_spans, spans, without_spans


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dear {name}, {{first}} ${HOME} {} {0}", ["{name}", "{{first}}", "${HOME}", "{}", "{0}"]),
        ("Use %s, %d, %1$s, %.2f and %(key)s", ["%s", "%d", "%1$s", "%.2f", "%(key)s"]),
        ("I am 100% sure, 50% due, 5 %sold", []),
        ('Make <b>it</b> <a href="x">bold</a><br/>', ["<b>", "</b>", '<a href="x">', "</a>", "<br/>"]),
        ("if a < b and c > d", []),
        ("Fill [[X]] in [1]", ["[[X]]"]),
        ("Set [[USER NAME]] in [[Leicester Square]]", ["[[USER NAME]]"]),
        ("See https://x.org/a_(b)?c=d#e, or (http://y.org).", ["https://x.org/a_(b", "http://y.org"]),
        ("Mail me.and+you@mail.example.org.", ["me.and+you@mail.example.org"]),
        ("Run `rm -i x` or ```\na b\n```", ["`rm -i x`", "```\na b\n```"]),
        (
            "{ name } {0:.2f} {items[0]} {p:,.2f} {user.name!r} {x:>10}",
            ["{ name }", "{0:.2f}", "{items[0]}", "{p:,.2f}", "{user.name!r}", "{x:>10}"],
        ),
        ("<|im_start|>user {% if x %}", ["<|im_start|>", "{% if x %}"]),
        ('The set {1, 2, 3} and {"a": "b"} or {a, b}', []),
        ("总结https://x.org/a并说明。用me@x.org联系", ["https://x.org/a", "me@x.org"]),
        ("https://x.org를 요약하고 %s개를 $HOME에", ["https://x.org", "%s", "$HOME"]),
        ("สรุปhttps://x.org/aเป็นไทย", ["https://x.org/a"]),
    ],
)
def test_spans(text: str, expected: list[str]) -> None:
    assert spans(text) == expected


def test_every_occurrence_has_to_survive() -> None:
    assert lost_spans("{a} y {a}", "{a} and {a}") == 0
    assert lost_spans("{a} y", "{a} and {a}") == 1
    assert lost_spans("Hola {nombre}", "Hi {name}") == 1
    assert lost_spans("%s개의 {a}을 http://x.org에서", "%s of {a} at http://x.org.") == 0


def test_an_address_is_not_kept_by_a_longer_one() -> None:
    assert lost_spans("Nur http://x.org/a.", "http://x.org and http://x.org/a") == 1
    assert lost_spans("http://x.org und http://x.org/a", "http://x.org and http://x.org/a") == 0
    assert lost_spans("Siehe http://x.org/b", "See http://x.org") == 1
    assert lost_spans("me@x.org.uk", "me@x.org") == 1


def test_code_between_two_fences_is_no_single_span() -> None:
    assert SPAN.fullmatch("```\na\n``` How do I bake bread? ```\nb\n```") is None


@pytest.mark.parametrize("unit", ["{a ", "{a.b", "{a[b", "{a:", "```", "https://", "a@", "%(a", "<a", "<|"])
def test_unfinished_spans_take_no_long_time(unit: str) -> None:
    started = time.process_time()
    without_spans(unit * (200_000 // len(unit)))
    assert time.process_time() - started < 2
