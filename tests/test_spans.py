from __future__ import annotations

import pytest

from polyrefuse_data.spans import lost_spans, spans


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dear {name}, {{first}} ${HOME} {} {0}", ["{name}", "{{first}}", "${HOME}", "{}", "{0}"]),
        ("Use %s, %d, %1$s, %.2f and %(key)s", ["%s", "%d", "%1$s", "%.2f", "%(key)s"]),
        ("I am 100% sure, 50% due, 5 %sold", []),
        ('Make <b>it</b> <a href="x">bold</a><br/>', ["<b>", "</b>", '<a href="x">', "</a>", "<br/>"]),
        ("if a < b and c > d", []),
        ("Fill [[X]] in [1]", ["[[X]]"]),
        ("See https://x.org/a_(b)?c=d#e, or (http://y.org).", ["https://x.org/a_(b", "http://y.org"]),
        ("Mail me.and+you@mail.example.org.", ["me.and+you@mail.example.org"]),
        ("Run `rm -i x` or ```\na b\n```", ["`rm -i x`", "```\na b\n```"]),
    ],
)
def test_spans(text: str, expected: list[str]) -> None:
    assert spans(text) == expected


def test_every_occurrence_has_to_survive() -> None:
    assert lost_spans("{a} y {a}", "{a} and {a}") == 0
    assert lost_spans("{a} y", "{a} and {a}") == 1
    assert lost_spans("Hola {nombre}", "Hi {name}") == 1
