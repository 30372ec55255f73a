"""Every page that the product writes, as people see it: at three widths, in light and dark, by keyboard and by ear.

A quicker look at each page is with the tests of the page (nothing runs off, contrast).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from polyrefuse_data.benchmark import export_labels, judge_run, run_benchmark, write_report
from polyrefuse_data.config import QualityConfig
from polyrefuse_data.demo.bundled import CHAT, bundled_model
from polyrefuse_data.demo.page import write_demo_page
from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.languages import LANGUAGES
from polyrefuse_data.quality import audit, export_review
from polyrefuse_data.quality import write_report as write_quality_report
from polyrefuse_data.quality.provenance import sealed
from polyrefuse_data.release import write_release
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace
from tests.axe import serious_findings
from tests.benchmark.chat_server import serving
from tests.browser import Browser, open_browser
from tests.documents import ROOT
from tests.quality.tables import make_table
from tests.release.conftest import make_rows, make_workspace

pytestmark = pytest.mark.slow

WIDTHS = (360, 1280, 1920)
SCHEMES = ("light", "dark")
FIRST_PAINT = 1500  # milliseconds: the goal for 10,000 rows, held to for ten times as many
ADDRESS = f"https://example.org/{'long' * 60} "
PAGES = ("quality", "empty", "review", "benchmark", "experiments", "endpoint", "replies", "comparison", "label", "demo")
# What a server shows for an address that is not there: its links start at the root of the site.
ELSEWHERE = {"404.html"}

# Elements that stick out of the window, and of everything that scrolls.
STICKING_OUT = """
const wide = document.documentElement.clientWidth;
const scrolls = (node) => node && (getComputedStyle(node).overflowX !== "visible" || scrolls(node.parentElement));
return [...document.querySelectorAll("body *")]
  .filter((node) => node.getBoundingClientRect().width && node.getBoundingClientRect().right > wide + 1)
  .filter((node) => !scrolls(node.parentElement)).map((node) => node.outerHTML.slice(0, 200));
"""
# Text that is wider than the box that it stands in.
SPILLING = """
return [...document.querySelectorAll("body *")]
  .filter((node) => node instanceof HTMLElement && node.clientWidth && node.scrollWidth > node.clientWidth + 1)
  .filter((node) => getComputedStyle(node).overflowX === "visible").map((node) => node.outerHTML.slice(0, 200));
"""
# Code and tables of the site that have to be scrolled sideways to be read.
CUT = """
return [...document.querySelectorAll(".md-content :is(pre > code, .md-typeset__scrollwrap)")]
  .filter((node) => node.scrollWidth > node.clientWidth + 1).map((node) => node.textContent.trim().slice(0, 100));
"""
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


def seeds_in_every_language(folder: Path) -> Workspace:
    """The bundled prompts in fourteen languages, some swapped, so that there is something to reject."""
    texts = {code: seed_texts(code).prompts for code in LANGUAGES}
    keys = [prompt.key for prompt in seed_prompts()]
    rows = [
        {
            "id": prompt.key,
            "language": code,
            "label": prompt.label,
            "split": prompt.split,
            "category": prompt.category,
            "text": texts[code][keys[number - 1] if number % 9 == 0 and code != "en" else prompt.key],
            "text_en": texts["en"][prompt.key],
        }
        for number, prompt in enumerate(seed_prompts())
        for code in LANGUAGES
    ]
    workspace = Workspace(folder)
    write_table(audit(make_table(*rows)), workspace.rows)
    return workspace


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("seen")
    workspace = seeds_in_every_language(folder / "seeds")
    release = write_release(
        make_workspace(folder / "ws", make_rows(4, ("ar", "de", "en"))), version="1.0.0", out=folder / "rel"
    )
    quick: dict[str, Any] = {"limit": 2, "max_new_tokens": 4, "max_kl": 100.0}
    run = run_benchmark(bundled_model(CHAT), release, folder / "run", **quick)
    further: dict[str, Any] = {"addition": (1.0,), "erasure": True, "control_draws": 1, "languages": ["de", "en"]}
    tried = run_benchmark(bundled_model(CHAT), release, folder / "tried", **quick, **further)
    with serving() as server:
        asked = run_benchmark(None, release, folder / "asked", endpoint=server.name, limit=2)
    given = folder / "given.jsonl"
    told = [row for row in make_rows(4, ("ar", "de", "en")) if row["split"] == "test"]
    lines = [{"id": row["id"], "language": row["language"], "response": ADDRESS + row["text"]} for row in told]
    given.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    replies = judge_run(given, release, folder / "judged")
    nothing = Workspace(folder / "nothing")
    write_table(audit(make_table()), nothing.rows)
    quality = write_quality_report(workspace)
    return {
        "quality": quality,
        "empty": write_quality_report(nothing),
        "review": export_review(workspace, folder / "review.html"),
        "benchmark": run / "report.html",
        "experiments": tried / "report.html",
        "endpoint": asked / "report.html",
        "replies": write_report([replies], folder / "replies.html", show_replies=True),
        "comparison": write_report([run, asked, replies], folder / "comparison.html"),
        "demo": write_demo_page(folder / "demo.html", quality, run / "report.html"),
        "label": export_labels(run, folder / "label.html", page=True),
    }


@pytest.mark.parametrize("name", PAGES)
def test_nothing_sticks_out_and_everybody_can_use_it(browser: Browser, pages: dict[str, Path], name: str) -> None:
    look_at(browser, pages[name])


def look_at(browser: Browser, page: Path) -> None:
    for width in WIDTHS:
        for scheme in SCHEMES:
            browser.look(width, scheme)
            browser.open(page)
            browser.run(OPEN_ALL)
            assert browser.run(STICKING_OUT) == [], f"{width} {scheme}"
            assert browser.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            assert serious_findings(browser) == [], f"{width} {scheme}"


def test_tables_of_a_report_are_seen_whole_on_a_desktop(browser: Browser, pages: dict[str, Path]) -> None:
    browser.look(1280, "light")
    browser.open(pages["benchmark"])
    browser.run(OPEN_ALL)
    cut = "return [...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth + 1)"
    assert browser.run(f"{cut}.map((one) => one.querySelector('thead').textContent)") == []


def test_arabic_runs_from_right_to_left(browser: Browser, pages: dict[str, Path]) -> None:
    browser.look(1280, "light")
    browser.open(pages["quality"])
    directions = browser.run(
        "return [...document.querySelectorAll('.body[lang=ar]')].map((one) => getComputedStyle(one).direction)"
    )
    assert directions and set(directions) == {"rtl"}


PRESS = """
const press = (key, repeat) => {
  const event = new KeyboardEvent("keydown", { key, repeat, bubbles: true, cancelable: true });
  document.activeElement.dispatchEvent(event);
  return event.defaultPrevented;
};
"""


@pytest.mark.parametrize(("name", "button", "key"), [("label", "[data-label]", "1"), ("review", "#good", "g")])
def test_keys_press_what_has_the_focus_and_one_that_is_held_decides_once(
    browser: Browser, pages: dict[str, Path], name: str, button: str, key: str
) -> None:
    browser.look(1280, "light")
    browser.open(pages[name])
    assert browser.run(f"{PRESS} document.querySelector('{button}').focus(); return press(' ', false)") is False
    taken = browser.run(f"{PRESS} return [press('{key}', false), press('{key}', true), press('Escape', false)]")
    assert taken == [True, False, False]
    assert browser.run("return document.activeElement === document.body")


@pytest.fixture(scope="module")
def many_rows(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The bundled prompts in fourteen languages, fifty times over: 100,800 rows, judged once."""
    folder = tmp_path_factory.mktemp("many")
    once = pq.read_table(seeds_in_every_language(folder / "once").rows)
    place = once.schema.get_field_index("id")

    def copy(number: int) -> pa.Table:
        ids = pc.binary_join_element_wise(once["id"], str(number), "-")
        return once.set_column(place, once.schema.field(place), ids)

    workspace = Workspace(folder / "ws")
    write_table(sealed(pa.concat_tables(map(copy, range(50))), QualityConfig()), workspace.rows)
    return workspace


def test_a_report_on_a_hundred_thousand_rows_is_there_at_once(browser: Browser, many_rows: Workspace) -> None:
    page = write_quality_report(many_rows)
    browser.look(1280, "light")
    painted = []
    for _ in range(3):  # the best of three: the machine may be busy
        browser.open(page)
        painted.append(
            browser.run_async(
                "const done = arguments[arguments.length - 1]; new PerformanceObserver((list) => "
                "done(list.getEntries()[0].startTime)).observe({ type: 'paint', buffered: true });"
            )
        )
    assert min(painted) < FIRST_PAINT


@pytest.mark.parametrize("name", ["quality", "review"])
def test_pages_on_a_hundred_thousand_rows_hold_what_stands_in_them(
    browser: Browser, many_rows: Workspace, tmp_path: Path, name: str
) -> None:
    if name == "quality":
        page = write_quality_report(many_rows)
    else:
        page = export_review(many_rows, tmp_path / "review.html", size=100_000)
    for width in WIDTHS:
        browser.look(width, "light")
        browser.open(page)
        assert "100,800" in browser.run("return document.body.textContent") or name == "review"
        assert (browser.run(STICKING_OUT), browser.run(SPILLING)) == ([], []), width
        assert serious_findings(browser) == [], width


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("material") is None:
        pytest.skip('needs the tools of the documentation: pip install -e ".[docs]"')
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder


@pytest.mark.parametrize(
    "name", ["index", "reference/commands", "reference/config", "release", "tutorials/own-prompts"]
)
def test_the_site_reads_well(browser: Browser, site: Path, name: str) -> None:
    look_at(browser, site / f"{name}.html")


def test_no_code_or_table_of_the_site_is_cut_on_a_desktop(browser: Browser, site: Path) -> None:
    browser.look(1280, "light")
    for page in sorted(site.rglob("*.html")):
        if page.name not in {*ELSEWHERE, "figures.html"}:  # which shows what commands printed
            browser.open(page)
            assert browser.run(CUT) == [], page.name


def test_every_page_of_the_site_fits_a_phone(browser: Browser, site: Path) -> None:
    browser.look(360, "dark")
    for page in sorted(site.rglob("*.html")):
        if page.name not in ELSEWHERE:
            browser.open(page)
            assert browser.run(STICKING_OUT) == [], page.name


def test_the_site_searches_and_fetches_nothing_from_elsewhere(browser: Browser, site: Path) -> None:
    browser.look(1280, "light")
    browser.open(site / "index.html")
    results = browser.run_async(
        "const done = arguments[arguments.length - 1]; const box = document.querySelector('.md-search__input');"
        "box.focus(); box.value = 'over-refusal'; box.dispatchEvent(new Event('keyup', { bubbles: true }));"
        "box.dispatchEvent(new Event('input', { bubbles: true }));"
        "const look = () => { const found = document.querySelectorAll('.md-search-result__link').length;"
        "found ? done(found) : setTimeout(look, 100); }; look();"
    )
    assert results > 0
    fetched = browser.run("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert [address for address in fetched if not address.startswith("file://")] == []
