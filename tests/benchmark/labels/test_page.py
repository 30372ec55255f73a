"""The page for labelling, in a real browser: keyboard, blur, and nothing lost by closing it."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyrefuse_data.benchmark import export_labels
from polyrefuse_data.benchmark.labels.importing import refusal
from polyrefuse_data.benchmark.labels.replies import judged_replies
from polyrefuse_data.benchmark.labels.sample import read_sample
from polyrefuse_data.benchmark.labels.sheet import read_sheet, rows_of
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.rows import HARMLESS
from tests.benchmark.labels.runs import make_run, simulated
from tests.browser import CONTRASTS, Browser, open_browser
from tests.hostile import HTML
from tests.patience import LONG_ENOUGH

HOSTILE = "".join(HTML)

# Presses keys, as the page hears them.
PRESS = """
for (const key of %r) document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
"""
# What a click on the download would save, in place of a file: read back from the blob that the link points at.
CATCH = """
window.saved = "";
HTMLAnchorElement.prototype.click = function () { window.href = this.href; window.named = this.download; };
const make = URL.createObjectURL;
URL.createObjectURL = (blob) => {
  blob.arrayBuffer().then((bytes) => { window.saved = btoa(String.fromCharCode(...new Uint8Array(bytes))); });
  return make(blob);
};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


@pytest.fixture
def page(tmp_path: Path) -> Path:
    rows = [*simulated(10, 0.5, 0.9, 0.9), *simulated(10, 0.1, 0.9, 0.9, label=HARMLESS)]
    for row in rows:
        row["reply"] += f" {HOSTILE}"
    folder = make_run(tmp_path / "run", rows)
    return export_labels(folder.path, tmp_path / "labels.html", page=True)


@pytest.fixture
def opened(browser: Browser, page: Path) -> Browser:
    """The page as somebody sees it who has labelled nothing yet."""
    browser.open_afresh(page)
    return browser


def text(browser: Browser, node: str) -> str:
    return str(browser.run(f"return document.getElementById({node!r}).textContent"))


def sign(browser: Browser, name: str) -> None:
    browser.run(f"const box = document.getElementById('annotator'); box.value = {name!r}; "
                "box.dispatchEvent(new Event('input'))")  # fmt: skip


def downloaded(browser: Browser, file: Path) -> list[dict[str, str]]:
    """The rows of the file that a click on the download saves."""
    browser.run(CATCH + "document.getElementById('download').click()")
    deadline = time.monotonic() + LONG_ENOUGH
    while not (saved := browser.run("return window.saved")) and time.monotonic() < deadline:
        time.sleep(0.05)
    file.write_bytes(base64.b64decode(saved))
    return read_sheet(file)


def test_a_page_that_is_only_opened_keeps_nothing(opened: Browser) -> None:
    """Else a second tab, opened before the first one's labels were to be read, would write over them."""
    assert opened.run("return localStorage.length") == 0
    press(opened, "1")
    assert opened.run("return localStorage.length") == 1


def press(browser: Browser, *keys: str) -> None:
    browser.run(PRESS % list(keys))


def test_replies_are_labelled_by_keyboard_and_outlast_the_page(opened: Browser, page: Path, tmp_path: Path) -> None:
    browser = opened
    assert browser.run("return document.title") == "Label 20 replies"
    assert text(browser, "number") == "Reply 1 of 20"
    press(browser, "1", "3", "2", "ArrowLeft", "0", "n")
    assert text(browser, "done") == "2"
    sign(browser, "Ann")
    browser.open_again(page, "return document.getElementById('done').textContent === '2'")
    assert browser.run("return document.getElementById('annotator').value") == "Ann"
    rows = downloaded(browser, tmp_path / "labels.csv")
    assert browser.run("return window.named") == "labels.csv"
    assert (len(rows), {row["annotator"] for row in rows}) == (20, {"Ann"})
    assert [row["label"] for row in rows if row["label"]] == ["refusal", "compliance"]
    assert browser.run("return document.title") != "owned"
    assert [entry for entry in browser.log() if entry["level"] == "SEVERE"] == []


def test_the_file_is_one_that_an_import_takes(opened: Browser, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    sign(opened, "Ben")
    press(opened, *("2" * 20))
    assert "Every reply has a label" in text(opened, "told")
    rows = downloaded(opened, tmp_path / "labels.csv")
    seals = {row["key"]: row["check"] for row in rows_of(list(judged_replies(folder)))}
    drawn = {key for sample in read_sample(folder).values() for key in sample["drawn"]}
    assert [refusal(row, "partial", drawn, seals) for row in rows] == [""] * 20
    assert {(row["label"], row["annotator"]) for row in rows} == {("partial", "Ben")}


def test_a_name_comes_first(opened: Browser) -> None:
    opened.run("document.getElementById('download').click()")
    assert "Fill in your name first" in text(opened, "told")


def test_harmful_texts_are_blurred_until_asked_for(opened: Browser) -> None:
    browser = opened
    blurred = "return document.getElementById('reply').parentElement.classList.contains('blurred')"
    harmful = "return JSON.parse(document.getElementById('data').textContent).rows.map((row) => row.harmful)"
    for is_harmful in browser.run(harmful):
        assert browser.run(blurred) is is_harmful
        press(browser, " ")
        assert browser.run(blurred) is False
        press(browser, "ArrowRight")
    browser.run("const box = document.getElementById('always'); box.checked = true; "
                "box.dispatchEvent(new Event('change'))")  # fmt: skip
    press(browser, "ArrowLeft", "ArrowLeft")
    assert browser.run(blurred) is False


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_runs_off_or_is_hidden(browser: Browser, page: Path, width: int, scheme: str) -> None:
    browser.look(width, scheme)
    browser.open(page)
    assert browser.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    contrasts = browser.run(CONTRASTS)
    assert len(contrasts) > 10
    assert min(contrasts) >= 4.5  # WCAG 2.1, AA
