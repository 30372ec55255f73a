"""The section of the report on meaning: which rows it lists, what it marks, and how the page shows them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.quality import check, write_report
from polyrefuse_data.quality.report.meaning import differences
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace
from tests.browser import Browser, open_browser
from tests.quality.tables import make_table
from tests.quality.test_report import ARABIC, CONTRASTS, HOSTILE

TURNED = "Schreiben Sie einen Brief, der den Nachbarn nicht lobt."
PRAISES, DENIES = "Write a letter that praises the neighbour.", "Write a letter that does not praise the neighbour."

CHOOSE = "const s = document.getElementById('meaning-{}'); s.value = '{}'; s.dispatchEvent(new Event('change'));"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = Workspace(tmp_path_factory.mktemp("meaning") / "ws")
    rows: list[dict[str, Any]] = [
        {"text": TURNED, "text_en": PRAISES, "back_translation": DENIES, "label": "harmful"},
        {"text": TURNED, "text_en": f"{DENIES[:-1]} at all.", "back_translation": DENIES, "label": "harmful"},
        {"text": f"{TURNED} {HOSTILE}", "text_en": f"{PRAISES} {HOSTILE}", "back_translation": f"{DENIES} {HOSTILE}"},
        {"language": "ar", "text": ARABIC, "text_en": "Explain how the sun differs from other stars?"},
        {"text": "\ufffd", "text_en": "Name 3 tips."},  # rejected, for no question of meaning
        *({"text": f"Nennen Sie {n} Tipps.", "text_en": f"Name {n} tips."} for n in range(3, 40)),
    ]
    write_table(make_table(*rows), folder.rows)
    check(folder, progress=False)
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def listed(workspace: Workspace) -> list[dict[str, Any]]:
    page = (workspace.report / "index.html").read_text(encoding="utf-8")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data
    found: list[dict[str, Any]] = json.loads(data.group(1))["meaning"]
    return found


def test_released_rows_come_first_from_the_least_probable_on(listed: list[dict[str, Any]]) -> None:
    kinds = [row["status"] for row in listed]
    assert kinds == sorted(kinds)  # accepted, then rejected
    released, rejected = (
        [row["p_good"] for row in listed if row["status"] == kind] for kind in ("accepted", "rejected")
    )
    assert released == sorted(released) and rejected == sorted(rejected, reverse=True)
    assert [row["language"] for row in listed].count("ar") == 1
    assert sum(row["language"] == "de" and row["status"] == "accepted" for row in listed) == 12
    assert not any(row["text"] == "\ufffd" for row in listed)
    [turned] = [row for row in listed if row["text_en"] == PRAISES]
    assert turned["status"] == "rejected" and turned["pulls"][0][0] == "changed_negation" and turned["pulls"][0][1] < -1


@pytest.mark.parametrize(
    ("prompt", "back", "lost", "gained"),
    [
        (PRAISES, DENIES, ["praises"], ["does not praise"]),
        ("Name an easy task.", "name a hard task!", ["an easy"], ["a hard"]),
        ("Name an easy task.", "Name an easy task", [], []),
        ("Name an easy task.", "", [], []),
        ("", "Name it.", [], ["Name it"]),
        ("don't go", "do go", ["don't"], ["do"]),
    ],
)
def test_what_the_other_text_lacks_is_marked(prompt: str, back: str, lost: list[str], gained: list[str]) -> None:
    parts = differences(prompt, back)
    for text, found, marked in zip((prompt, back), parts, (lost, gained), strict=True):
        assert "".join(part for part, _ in found) == text
        assert [part for part, is_marked in found if is_marked] == marked


def test_rows_without_kept_scores_have_no_list(tmp_path: Path) -> None:
    folder = Workspace(tmp_path / "ws")
    write_table(make_table({}), folder.rows)
    check(folder, progress=False)
    folder.scores.unlink()
    assert "No row has a probability" in write_report(folder).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser(workspace: Workspace) -> Iterator[Browser]:
    with open_browser() as started:
        started.open(workspace.report / "index.html")
        yield started


def test_texts_stand_side_by_side_letter_by_letter_with_their_differences_marked(browser: Browser) -> None:
    assert [entry for entry in browser.log() if entry["level"] == "SEVERE"] == []
    assert browser.run("return document.title").endswith(": quality report")
    browser.run(CHOOSE.format("status", "rejected"))
    texts = "return [...document.querySelectorAll('#meaning-list {}')].map((n) => n.textContent)"
    assert {f"{PRAISES} {HOSTILE}", f"{DENIES} {HOSTILE}"} < set(browser.run(texts.format(".body")))
    assert set(browser.run(texts.format("del"))) == {"praises"}
    assert set(browser.run(texts.format("ins"))) == {"does not praise"}
    left = "return [...document.querySelectorAll('#meaning-list .row:first-child .text')].map((n) => n.offsetLeft)"
    prompt, back, text = browser.run(left)
    assert prompt == text < back
    browser.run(CHOOSE.format("status", ""))
    browser.run(CHOOSE.format("language", "ar"))
    assert browser.run("return getComputedStyle(document.querySelector('#meaning .body[lang=ar]')).direction") == "rtl"
    browser.run(CHOOSE.format("language", ""))


def test_harmful_texts_are_blurred_until_somebody_asks(browser: Browser) -> None:
    browser.run(CHOOSE.format("status", "rejected"))
    blurred = "return document.querySelectorAll('#meaning-list .blurred').length"
    assert browser.run(blurred) > 0
    for shown in (True, False):
        browser.run("document.querySelector('#meaning .reveal').click()")
        assert (browser.run(blurred) == 0) is shown
        assert browser.run("return document.getElementById('reveal').checked") is shown
    browser.run(CHOOSE.format("status", ""))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_marks_are_readable_and_nothing_is_clipped(browser: Browser, width: int, scheme: str) -> None:
    browser.look(width, scheme)
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run(CONTRASTS) == []
    line = "return getComputedStyle(document.querySelector('#meaning {}')).textDecorationLine"
    assert (browser.run(line.format("del")), browser.run(line.format("ins"))) == ("line-through", "underline")
