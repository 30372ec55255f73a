"""docs/checks.md says what the checks say."""

from __future__ import annotations

import re

from polyrefuse_data.quality.checks import CHECKS
from polyrefuse_data.quality.reference import reference
from polyrefuse_data.quality.suite import suite_of
from tests.documents import ROOT

PAGE = ROOT / "docs" / "checks.md"


def test_the_page_is_made_from_the_checks() -> None:
    made = "run `python -m polyrefuse_data.quality.reference > docs/checks.md`"
    assert PAGE.read_text(encoding="utf-8") == reference(), made


def test_every_flag_has_a_line_that_leads_to_its_check() -> None:
    text = reference()
    sections = set(re.findall(r"^## (\S+)$", text, re.MULTILINE))
    assert sections == {check.name for check in CHECKS}
    assert set(re.findall(r"^\| \[`(\S+)`\]\(#(\S+)\)", text, re.MULTILINE)) == {(flag, flag) for flag in sections}


def test_each_check_is_called_as_its_flag_and_its_file() -> None:
    folder = ROOT / "polyrefuse_data" / "quality" / "checks"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
    own = {check.name for check in CHECKS if not check.column}
    assert files == own
    for check in CHECKS:
        assert {threshold.flag for threshold in check.thresholds} == {check.name}
        assert check.name.upper() in (folder / f"{check.name}.py").read_text() if check.name in own else True


def test_bounds_of_a_config_and_plugged_in_checks_are_on_their_page_too() -> None:
    text = reference(suite_of({"scores": {"bleurt": {"at_least": 0.4}}, "thresholds": {"script": {"xh": 0.25}}}))
    assert "| `bleurt` | `bleurt` at least 0.4 |" in text and "xh 0.25" in text
