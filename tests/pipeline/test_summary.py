from __future__ import annotations

from pathlib import Path

import pytest

from polyrefuse_data.pipeline.summary import BuildSummary, _money


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (0.0, "$0.00"),
        (0.0022, "$0.0022"),
        (0.00000123, "$0.0000012"),
        (0.05, "$0.050"),
        (0.999, "$1.00"),
        (1.0, "$1.00"),
        (12.345, "$12.35"),
        (1234.5, "$1234.50"),
    ],
)
def test_money_is_never_shown_as_none(usd: float, shown: str) -> None:
    assert _money(usd) == shown


@pytest.mark.parametrize(("failed", "unanswered", "is_told"), [(3, 0, True), (3, 3, False), (0, 0, False)])
def test_failed_answers_are_kept_and_the_way_to_ask_again_is_told(failed: int, unanswered: int, is_told: bool) -> None:
    """Those that a backend did not answer are asked for again by themselves."""
    translators = {"openai:m": {"accepted": 5, "failed": failed}}
    summary = BuildSummary(Path("ws"), 8, 8, {"de": {"accepted": 5}}, translators, {}, {}, unanswered, 0, {})
    assert ("`polyrefuse build --refresh BACKEND` asks for them again" in summary.to_text()) == is_told
