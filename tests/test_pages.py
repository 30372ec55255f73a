"""Texts of prompts, models and translators reach pages and spreadsheets, and are nothing but text there."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from polyrefuse_data.benchmark import run_benchmark, write_report
from polyrefuse_data.demo.bundled import CHAT, bundled_model
from polyrefuse_data.demo.page import write_demo_page
from polyrefuse_data.quality import audit, export_review, import_review
from polyrefuse_data.quality import write_report as write_quality_report
from polyrefuse_data.release import write_release
from polyrefuse_data.rows import SCHEMA
from polyrefuse_data.system.files import write_table
from polyrefuse_data.text.printable import printable
from polyrefuse_data.workspace import Workspace
from tests.browser import CONTRASTS, Browser, open_browser
from tests.hostile import HTML, TERMINAL
from tests.quality.tables import make_table
from tests.release.conftest import make_rows, make_workspace

PIECES = (*HTML, *TERMINAL)
EVERYTHING = "".join(PIECES)
STRINGS = [field.name for field in SCHEMA if pa.types.is_string(field.type)]
nasty = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), min_size=1, max_size=4).map("".join)


class Structure(HTMLParser):
    """What a page is made of: its elements, with their attributes, and the text of its scripts."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.elements: set[tuple[str, tuple[str, ...]]] = set()
        self.links: set[str] = set()
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, tuple(sorted(name for name, _ in attrs))))
        self.links |= {value or "" for name, value in attrs if name in ("src", "href", "action", "data")}
        if tag == "script":
            self._in_script = True
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script &= tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


# Rows as JSON, and replies: both are set apart from what stands around them.
_TEXTS = re.compile(r'(?<=id="data">).*?(?=</script>)|(?<= dir="auto">).*?(?=</td>)', re.DOTALL)


def is_plain(page: Path, innocent: Structure, *, own_script: int) -> None:
    """The page holds no element, attribute or script that it does not hold with innocent texts."""
    found = Structure(page)
    assert found.elements <= innocent.elements
    assert len(found.scripts) == len(innocent.scripts)
    assert found.scripts[own_script] == innocent.scripts[own_script]
    assert all(link.startswith(("#", "data:image/svg+xml;base64,")) for link in found.links)
    # Texts may hold what their scripts need; nothing that is named around them may move it.
    around = _TEXTS.sub("", page.read_text(encoding="utf-8"))
    assert printable(around) == around and len(around) < 1_000_000


# --- the quality report ------------------------------------------------------------------------------------------


def quality_page(folder: Path, text: str) -> Path:
    """A report over rows that hold `text` in every column of text, in rows that are accepted and ones that are not."""
    fields = {name: text for name in STRINGS if name not in ("label", "split", "origin", "status")}
    rows = [
        {"text": text, "text_en": text},
        {**fields, "id": f"{text}-2"},
        {**fields, "id": f"{text}-3", "label": "harmful", "flags": [text], "status": "rejected"},
        {},
    ]
    workspace = Workspace(folder)
    write_table(audit(make_table(*rows)), workspace.rows)
    workspace.config.write_text(f"[release]\nname = {json.dumps(text.encode('ascii', 'replace').decode())}\n")
    return write_quality_report(workspace)


@pytest.fixture(scope="module")
def quality(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Structure]:
    """A folder for reports, and the structure of one with innocent texts."""
    folder = tmp_path_factory.mktemp("quality")
    return folder, Structure(quality_page(folder, "innocent text"))


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=nasty)
@example(text=EVERYTHING)
def test_no_text_is_markup_in_the_quality_report(quality: tuple[Path, Structure], text: str) -> None:
    folder, innocent = quality
    is_plain(quality_page(folder, text), innocent, own_script=1)


# --- the benchmark's report --------------------------------------------------------------------------------------

# Values that code decides by, or that are looked up; a run folder with others is not one of ours.
_MEANT = {
    *(
        "language",
        "source_language",
        "target_language",
        "languages",
        "source_languages",
        "label",
        "subset",
        "intervention",
    ),
    *("status", "rule", "sha256", "reference", "verdict", "part", "trained_on"),
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    workspace = make_workspace(folder / "ws", make_rows(4, ("de", "en")))
    release = write_release(workspace, version="1.0.0", out=folder / "rel")
    with pytest.MonkeyPatch.context() as patch:  # each page made of this run has figures of its own
        patch.setattr("polyrefuse_data.benchmark.report.draw_all", lambda scores, selections: [])
        return run_benchmark(bundled_model(CHAT), release, folder / "run", limit=1, max_new_tokens=2, max_kl=100.0)


def with_text(value: Any, text: str, key: str = "") -> Any:
    """The same value with every text in it changed, names of keys excepted."""
    if isinstance(value, dict):
        return {name: with_text(item, text, name) for name, item in value.items()}
    if isinstance(value, list):
        return [with_text(item, text, key) for item in value]
    return text if isinstance(value, str) and key not in _MEANT else value


def benchmark_page(measured: Path, folder: Path, text: str) -> Path:
    """The page of a run whose files hold `text` wherever a text stands: model, judge, versions, tokens, replies."""
    if not folder.exists():
        shutil.copytree(measured, folder)
    scores = json.loads((measured / "scores.json").read_text(encoding="utf-8"))
    (folder / "scores.json").write_text(json.dumps(with_text(scores, text)), encoding="utf-8")
    for path in sorted((measured / "completions").rglob("*.parquet")):
        table = pq.read_table(path)
        records = [{**record, "id": text, "prompt": text, "reply": text} for record in table.to_pylist()]
        write_table(table.from_pylist(records, schema=table.schema), folder / path.relative_to(measured))
    return write_report([folder], folder / "page.html", show_replies=True)


@pytest.fixture(scope="module")
def innocent_benchmark(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Structure]:
    folder = tmp_path_factory.mktemp("pages") / "run"
    return folder, Structure(benchmark_page(measured, folder, "innocent text"))


@pytest.mark.parametrize(
    "text", [EVERYTHING, "".join(reversed(PIECES)), "x" * 100_000], ids=["all", "reversed", "long"]
)
def test_no_text_is_markup_in_the_benchmark_report(
    measured: Path, innocent_benchmark: tuple[Path, Structure], text: str
) -> None:
    folder, innocent = innocent_benchmark
    is_plain(benchmark_page(measured, folder, text), innocent, own_script=0)


# --- in a browser ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


def test_nothing_of_a_hostile_text_runs(
    browser: Browser, quality: tuple[Path, Structure], measured: Path, tmp_path: Path
) -> None:
    pages = [quality_page(quality[0], EVERYTHING), benchmark_page(measured, tmp_path / "run", EVERYTHING)]
    pages.append(write_demo_page(tmp_path / "both.html", *pages))
    for page in pages:
        browser.open(page)
        browser.run("for (const node of document.querySelectorAll('*')) node.dispatchEvent(new Event('mouseover'))")
        assert browser.run("return document.title") != "owned"
        assert [entry for entry in browser.log() if entry["level"] == "SEVERE"] == []
    assert browser.run("return document.querySelectorAll('iframe').length") == 2


# --- spreadsheets ------------------------------------------------------------------------------------------------

FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠A1",
    "'=1",
    "''x",
    '=cmd|"/c x"!A1',
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(st.sampled_from(FORMULAS) | nasty, min_size=1, max_size=4))
@example(texts=list(FORMULAS))
def test_no_cell_of_a_review_is_a_formula_and_untouched_rows_stay_as_they_are(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    workspace = Workspace(tmp_path_factory.mktemp("csv"))
    rows = [{"text": text, "text_en": text, "back_translation": text} for text in texts]
    write_table(audit(make_table(*rows)), workspace.rows)
    before = workspace.rows.read_bytes()
    file = export_review(workspace, size=100)
    cells = [cell for row in csv.reader(io.StringIO(file.read_text("utf-8-sig"), newline="")) for cell in row]
    assert not [
        cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    ]
    summary = import_review(workspace, file)
    assert (summary.unmarked, summary.refused) == (len(texts), [])
    assert workspace.rows.read_bytes() == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_of_the_benchmark_page_runs_off_or_is_hidden(
    browser: Browser, measured: Path, width: int, scheme: str
) -> None:
    """All details opened: the page is as wide as the window, and text stands out from what is behind it."""
    browser.look(width, scheme)
    browser.open(measured / "report.html")
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    contrasts = browser.run(CONTRASTS)
    assert len(contrasts) > 50
    assert min(contrasts) >= 4.5  # WCAG 2.1, AA
