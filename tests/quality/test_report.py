"""The report: its numbers, and the page in a real browser with texts that would like to do harm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality import audit, signature, write_report
from polyrefuse_data.system.files import write_table
from polyrefuse_data.text.html import inert_json
from polyrefuse_data.workspace import Workspace
from tests.browser import Browser, open_browser
from tests.quality.tables import make_table

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">'\"&\u2028{{7*7}}"
)
ARABIC = "اشرح كيف تختلف الشمس عن النجوم الأخرى؟"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = Workspace(tmp_path_factory.mktemp("report") / "ws")
    harmful = {"label": "harmful", "category": "<b>fraud</b>"}
    rows: list[dict[str, Any]] = [
        {"text": HOSTILE, "text_en": HOSTILE, **harmful},
        {
            "language": "ar",
            "text": ARABIC + " is different from other stars",
            "text_en": "Is different from other stars",
        },
        {"language": "<script>alert(1)</script>", "text": "x"},
        {"text": "Name three tips for a better sleep at night.", "translator": "nllb:<i>", "attempts": 2},
        *(
            {"text": f"Nennen Sie {n} Tipps für besseren Schlaf.", "text_en": f"Name {n} tips for better sleep."}
            for n in range(3, 60)
        ),
        {"language": "en", "text": "Name three tips for a better sleep at night."},
        {"text": "Tipps!", "text_en": "Name 60 tips for better sleep."},
    ]
    write_table(audit(make_table(*rows)), folder.rows)
    tries = [
        {"id": "own-3", "language": "de", "label": "harmless", "category": "<b>fraud</b>", "attempt": number,
         "translator": "openai:x", "outcome": outcome, "reasons": reasons, "detail": "", "kept": outcome == "accepted"}
        for number, outcome, reasons in ((1, "failed", ["refused"]), (2, "accepted", []))
    ]  # fmt: skip
    write_table(pa.Table.from_pylist(tries), folder.attempts)
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def page(workspace: Workspace) -> str:
    return (workspace.report / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def summary(workspace: Workspace) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((workspace.report / "summary.json").read_text(encoding="utf-8"))
    return loaded


def test_the_numbers_add_up(summary: dict[str, Any]) -> None:
    assert summary["rows"] == 63
    assert sum(summary["status"].values()) == 63
    assert sum(line["rows"] for line in summary["languages"].values()) == 63
    german = summary["languages"]["de"]
    assert german["accepted"] + german["rejected"] == german["rows"] == 60
    assert sum(german["rejected_by_first_reason"].values()) == german["rejected"]
    assert summary["engines"]["openai:x"]["outcomes"] == {"accepted": 1, "failed": 1}
    assert summary["refusals"]["<b>fraud</b>"] == {
        "rows": 1, "tries": 2, "declined": 1, "fell_back": 1, "won_back": 1, "lost": 0
    }  # fmt: skip
    assert "py3langid" in summary["signature"]
    assert re.fullmatch(r"[0-9a-f]{64}", summary["config_sha256"])


def test_the_sweep_counts_what_each_bound_would_cost(summary: dict[str, Any]) -> None:
    sweep = summary["sweeps"]["language_id"]
    counts = sweep["rejected"]["de"]
    assert counts == sorted(counts)
    assert sweep["steps"] == sorted(sweep["steps"])


def test_the_same_rows_give_the_same_bytes(workspace: Workspace, page: str) -> None:
    write_report(workspace)
    assert (workspace.report / "index.html").read_text(encoding="utf-8") == page


def test_the_page_is_self_contained_and_holds_no_text_as_markup(page: str) -> None:
    assert "<script>document.title" not in page
    assert "<script>alert(1)" not in page
    assert "<b>fraud</b>" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert page.count("<script") == 2  # the data, and our own


def test_json_that_stands_in_a_script_cannot_end_it() -> None:
    text = inert_json({"a": HOSTILE})
    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"a": HOSTILE}


@pytest.mark.parametrize("changed", [False, True])
def test_rows_that_no_check_has_seen_as_they_are_are_reported_as_not_checked(tmp_path: Path, changed: bool) -> None:
    folder = Workspace(tmp_path)
    table = make_table({}, {"text": "", "flags": ["unmatched"]})
    if changed:
        checked = audit(table)
        table = checked.set_column(checked.column_names.index("text"), "text", pa.array(["Neuer Text.", ""]))
    write_table(table, folder.rows)
    before = folder.rows.read_bytes()
    page = write_report(folder).read_text(encoding="utf-8")
    summary = json.loads((folder.report / "summary.json").read_text(encoding="utf-8"))
    assert summary["status"] == {"accepted": 0, "edited": 0, "rejected": 0}
    assert (summary["not_checked"], summary["signature"], summary["parallel_prompts"]) == (2, None, 0)
    assert summary["notice"] == (
        "rows were added or changed since they were checked" if changed else "the rows have not been checked"
    )
    assert summary["languages"]["de"]["flags"] == {"unmatched": 1}  # what their maker says of them
    assert f"{summary['notice']}: run <code>polyrefuse check</code>" in page
    assert folder.rows.read_bytes() == before


def test_a_report_says_what_the_rows_were_checked_under_whatever_the_config_says_now(tmp_path: Path) -> None:
    folder = Workspace(tmp_path)
    write_table(audit(make_table({}), {"thresholds": {"back_translation": 30}}), folder.rows)
    folder.config.write_text("[quality.thresholds]\nback_translation = 99\n")
    page = write_report(folder).read_text(encoding="utf-8")
    summary = json.loads((folder.report / "summary.json").read_text(encoding="utf-8"))
    assert summary["signature"] == signature({"thresholds": {"back_translation": 30}})
    assert summary["thresholds"]["back_translation"]["bound"] == 30
    assert (summary["status"]["accepted"], summary["not_checked"]) == (1, 0)
    assert "the rows were checked under a [quality] config other than the current one" in page


@pytest.mark.parametrize("rows", [[], [{"text": ""}], [{"language": "en", "text": "Hi there"}]])
def test_nothing_or_everything_rejected_still_makes_a_page(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    folder = Workspace(tmp_path)
    table = audit(make_table(*rows) if rows else make_table({}).slice(0, 0))
    write_table(table, folder.rows)
    assert "</html>" in write_report(folder).read_text(encoding="utf-8")


def test_one_row_of_one_prompt_is_counted_as_one(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_table(audit(make_table({})), workspace.rows)
    page = write_report(workspace).read_text(encoding="utf-8")
    tiles = dict.fromkeys(re.findall(r"<b>1</b><span>([a-z ]+)", page))
    assert list(tiles)[:3] == ["row", "prompt", "language"] and not re.search(r"\b1 (row|prompt|language)s\b", page)


def test_a_workspace_without_rows_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rows\.parquet"):
        write_report(Workspace(tmp_path))


def test_attempts_that_are_none_are_named(tmp_path: Path) -> None:
    folder = Workspace(tmp_path)
    write_table(audit(make_table({})), folder.rows)
    write_table(pa.table({"id": ["a"]}), folder.attempts)
    with pytest.raises(ConfigError, match=r"attempts\.parquet has no column language"):
        write_report(folder)


@pytest.fixture(scope="module")
def browser(workspace: Workspace) -> Iterator[Browser]:
    with open_browser() as started:
        started.open(workspace.report / "index.html")
        yield started


def test_nothing_executes_and_nothing_breaks(browser: Browser) -> None:
    assert browser.run("return document.title").endswith(": quality report")
    assert [entry for entry in browser.log() if entry["level"] == "SEVERE"] == []
    assert browser.run("return document.querySelectorAll('#row-list .row').length") >= 4
    assert browser.run("return document.images.length") == 0


def test_texts_stand_there_letter_by_letter_and_in_their_direction(browser: Browser) -> None:
    texts = browser.run("return [...document.querySelectorAll('.body')].map((node) => node.textContent)")
    assert HOSTILE in texts
    direction = (
        "return getComputedStyle([...document.querySelectorAll('.body')].find((n) => n.lang === 'ar')).direction"
    )
    assert browser.run(direction) == "rtl"


def test_harmful_text_is_blurred_until_it_is_clicked(browser: Browser) -> None:
    first = "const node = document.querySelector('.blurred');"
    assert "blur" in browser.run(f"{first} return getComputedStyle(node).filter")
    count = browser.run("return document.querySelectorAll('.blurred').length")
    browser.run(f"{first} node.click()")
    assert browser.run("return document.querySelectorAll('.blurred').length") == count - 1
    harmless = "return [...document.querySelectorAll('.row')].filter((n) => n.textContent.includes('harmless ·'))"
    assert browser.run(f"{harmless}.every((n) => !n.querySelector('.blurred'))")


def test_rows_are_filtered_and_the_table_is_sorted(browser: Browser) -> None:
    choose = (
        "const s = document.getElementById('filter-language'); s.value = 'ar'; s.dispatchEvent(new Event('change'));"
    )
    browser.run(choose)
    assert browser.run("return document.querySelectorAll('#row-list .row').length") == 1
    browser.run("document.getElementById('reset').click()")
    browser.run("const i = document.getElementById('search'); i.value = 'OWNED'; i.dispatchEvent(new Event('input'));")
    assert browser.run("return document.querySelectorAll('#row-list .row').length") == 1
    browser.run("document.getElementById('reset').click()")
    browser.run("document.querySelectorAll('#language-table th button')[1].click()")
    lines = "[...document.querySelectorAll('#language-table tbody tr')]"
    counts = browser.run(f"return {lines}.map((row) => Number(row.cells[1].textContent))")
    assert counts == sorted(counts, reverse=True)


def test_numbers_of_the_tables_lead_to_their_rows(browser: Browser) -> None:
    cells = "[...document.querySelectorAll('#reasons button[data-filter]')]"
    for number in range(browser.run(f"return {cells}.length")):
        browser.run(f"{cells}[{number}].click()")
        expected = browser.run(f"return Number({cells}[{number}].textContent)")
        assert browser.run("return document.getElementById('row-count').textContent").startswith(f"{expected} of ")
    browser.run("document.querySelector('#outlier-table button[data-filter]').click()")
    assert browser.run("return document.querySelectorAll('#row-list .row').length") == 1
    browser.run("document.getElementById('reset').click()")


def test_one_language_of_the_sweeps_is_shown_apart(browser: Browser) -> None:
    browser.run(
        "const s = document.getElementById('choose-line'); s.value = 'de'; s.dispatchEvent(new Event('change'))"
    )
    lines = "[...document.querySelectorAll('#sweep polyline')]"
    clear = f"return {lines}.filter((n) => !n.classList.contains('dim')).map((n) => n.dataset.line)"
    assert set(browser.run(clear)) == {"de"}


def test_all_harmful_texts_are_shown_on_demand_and_hidden_again(browser: Browser) -> None:
    for shown in (True, False):
        browser.run("document.getElementById('reveal').click()")
        assert (browser.run("return document.querySelectorAll('.blurred').length") == 0) is shown


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_clipped_and_all_is_readable(browser: Browser, width: int, scheme: str) -> None:
    browser.look(width, scheme)
    wider = "[...document.querySelectorAll('body *')].filter((n) => n.getBoundingClientRect().right > innerWidth + 1)"
    assert browser.run(f"return {wider}.filter((n) => !n.closest('.scroll, nav, .text')).map((n) => n.outerHTML)") == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    small = "[...document.querySelectorAll('.chart text')].filter((n) => n.getBoundingClientRect().height < 9)"
    assert browser.run(f"return {small}.filter((n) => n.checkVisibility()).map((n) => n.outerHTML)") == []
    assert browser.run(CONTRASTS) == []


# Texts of the page that stand out from their ground by less than 3 to 1 (WCAG 2.2's least, for large text).
CONTRASTS = """
const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const over = ([r, g, b, a = 1], ground) => [r, g, b].map((v, i) => v * a + ground[i] * (1 - a));
const ground = (node) => {
  if (!node) return [255, 255, 255];
  const own = parse(getComputedStyle(node).backgroundColor);
  return own.length === 4 && own[3] === 0 ? ground(node.parentElement) : over(own, ground(node.parentElement));
};
const poor = (node) => {
  const style = getComputedStyle(node);
  const [x, y] = [light(parse(style.color)), light(ground(node))];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05) < 3;
};
return [...document.querySelectorAll("main *, header *, nav *")]
  .filter((n) => [...n.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim()))
  .filter((n) => !n.closest("svg, .blurred, script, option")).filter(poor).map((n) => n.outerHTML.slice(0, 120));
"""
