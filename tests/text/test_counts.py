from __future__ import annotations

import re

import pytest

from polyrefuse_data.text.counts import counted, named, percent_of
from tests.documents import ROOT

# What a template may print before a plural: a bound, or languages of which a correlation has three or more.
NEVER_ONE = ("min_prompts", "max_broken_rise", "max_cross_entropy_rise", "correlation.n", '"')


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (counted(0, "row"), "0 rows"),
        (counted(1, "row"), "1 row"),
        (counted(2, "row"), "2 rows"),
        (counted(1, "reply", "replies"), "1 reply"),
        (counted(3, "row has", "rows have"), "3 rows have"),
        (percent_of(11, 12), "92%"),
        (percent_of(12, 12), "100%"),
        (percent_of(0, 1511), "0%"),
        (percent_of(935, 939), "99.6%"),
        (percent_of(9999, 10000), "99.9%"),
        (percent_of(1, 10000), "0.1%"),
        (named(1, "row"), "row"),
        (named(1000, "row"), "rows"),
    ],
)
def test_one_is_singular_and_nothing_else(told: str, said: str) -> None:
    assert told == said


def test_no_template_says_1_rows() -> None:
    for template in (ROOT / "polyrefuse_data").rglob("*.j2"):
        counts = re.findall(r"\{\{ ([^{}]*) \}\} [a-z]+s\b", template.read_text(encoding="utf-8"))
        plain = [count for count in counts if not any(known in count for known in NEVER_ONE)]
        assert plain == [], f"{template.name}: use the filter `counted`"
