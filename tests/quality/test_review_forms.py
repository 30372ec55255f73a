"""The forms of a review: what spreadsheets make of the CSV, an Excel workbook, and a page that works offline."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality import audit, export_review, import_review
from polyrefuse_data.quality.review.spreadsheet import read_sheet
from polyrefuse_data.rows import LABELS
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace
from tests.browser import Browser, open_browser
from tests.quality.tables import make_table

BETTER = "Nennen Sie drei Tipps für einen besseren Schlaf in der Nacht."
TEXTS = [
    "=1+1 <b>fett</b> & </script>",
    "Nenne drei Tipps\u2028für guten Schlaf.\nUnd \u0007 eine _x0041_ Glocke.",
    "'-x: drei Tipps",
]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    rows = [
        {
            "text": text,
            "text_en": "Name three tips for a good sleep.",
            "back_translation": "Name four tips for good sleep.",
        }
        for text in TEXTS
    ]
    folder = Workspace(tmp_path / "ws")
    write_table(audit(make_table(*rows, {"language": "en", "text": "Name three tips."})), folder.rows)
    return folder


def outcomes(workspace: Workspace) -> list[tuple[str, str]]:
    rows = workspace.read_rows().to_pylist()
    return [(row["status"], row["text"]) for row in rows if row["language"] == "de"]


def filled_in(records: list[dict[str, str]]) -> list[dict[str, str]]:
    records[0] |= {"verdict": "bad", "reviewer": "ana"}
    records[1] |= {"edit": BETTER, "reviewer": "ana"}
    return records


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [(";", "utf-8-sig"), ("\t", "utf-16"), (",", "utf-8"), (";", "utf-16-le"), ("\t", "utf-8-sig")],
)
def test_a_sheet_comes_back_in_whatever_form_excel_saves_it(
    workspace: Workspace, delimiter: str, encoding: str
) -> None:
    sheet = export_review(workspace)
    records = filled_in(list(csv.DictReader(io.StringIO(sheet.read_text("utf-8-sig"), newline=""))))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows([*records, dict.fromkeys(records[0], "")])  # an emptied row at the end
    back = workspace.path / "back.csv"
    back.write_bytes(text.getvalue().encode(encoding))
    summary = import_review(workspace, back)
    assert (summary.rejected, summary.edited, summary.unmarked, summary.refused) == (1, 1, 1, [])
    assert outcomes(workspace)[1] == ("edited", BETTER)


def test_a_code_page_that_lost_letters_is_refused_row_by_row(workspace: Workspace) -> None:
    records = filled_in(read_sheet(export_review(workspace)))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    back = workspace.path / "back.csv"
    back.write_bytes(text.getvalue().replace("für", "f?r").encode("cp1252", "replace"))
    assert {row["reason"].split(":")[0] for row in import_review(workspace, back, dry_run=True).refused} == {"tampered"}


def test_another_seed_draws_another_sample(tmp_path: Path) -> None:
    folder = Workspace(tmp_path)
    write_table(audit(make_table(*({"text": BETTER, "id": f"own-{n:02}"} for n in range(30)))), folder.rows)

    def drawn(seed: int) -> list[str]:
        return [row["id"] for row in read_sheet(export_review(folder, size=5, seed=seed))]

    assert drawn(0) == drawn(0) != drawn(1)


def test_an_export_without_rows_can_be_replaced_and_another_file_cannot(workspace: Workspace) -> None:
    sheet = export_review(workspace, languages=["de"], flagged=True)
    sheet.write_text(sheet.read_text("utf-8-sig").splitlines()[0] + "\n", encoding="utf-8")
    assert export_review(workspace) == sheet
    sheet.write_text("name,age\n")
    with pytest.raises(ConfigError, match=r"review\.csv"):
        export_review(workspace)


# --- Excel --------------------------------------------------------------------------------------------------------


@pytest.fixture
def openpyxl() -> Any:
    return pytest.importorskip("openpyxl", reason='needs openpyxl: pip install "polyrefuse-data[excel]"')


def test_a_workbook_has_a_list_of_verdicts_and_no_formula_and_comes_back(workspace: Workspace, openpyxl: Any) -> None:
    file = export_review(workspace, workspace.path / "review.xlsx")
    book = openpyxl.load_workbook(file)
    (verdicts,) = book.active.data_validations.dataValidation
    assert (verdicts.type, verdicts.formula1, str(verdicts.sqref)) == ("list", '"good,bad"', "J2:J4")
    assert {cell.data_type for row in book.active.iter_rows() for cell in row if cell.value} == {"s"}
    assert book.active.freeze_panes == "A2" and book.active["F2"].number_format == "@"
    unchanged = import_review(workspace, file, dry_run=True)
    assert (unchanged.unmarked, unchanged.refused) == (3, [])
    book.active["J2"], book.active["K3"] = "bad", BETTER
    book.save(file)
    summary = import_review(workspace, file)
    assert (summary.rejected, summary.edited, summary.unmarked, summary.refused) == (1, 1, 1, [])
    assert outcomes(workspace)[1] == ("edited", BETTER)


def test_a_filled_workbook_is_not_replaced(workspace: Workspace, openpyxl: Any) -> None:
    file = export_review(workspace, workspace.path / "review.xlsx")
    assert export_review(workspace, file) == file
    book = openpyxl.load_workbook(file)
    book.active["J2"] = "bad"
    book.save(file)
    with pytest.raises(ConfigError, match=r"review\.xlsx"):
        export_review(workspace, file)


def test_a_text_longer_than_a_cell_is_refused(tmp_path: Path, openpyxl: Any) -> None:
    folder = Workspace(tmp_path)
    write_table(audit(make_table({"text": "Wort " * 7000})), folder.rows)
    with pytest.raises(ConfigError, match=r"own-0 de: its text is too long for Excel: export \.csv"):
        export_review(folder, tmp_path / "review.xlsx")


# --- the page -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Any:
    with open_browser() as found:
        yield found


SAVED = """
let saved;
URL.createObjectURL = (blob) => { saved = blob; return "#"; };
document.getElementById("save").click();
return saved.text();
"""


def press(browser: Browser, *keys: str) -> None:
    for key in keys:
        browser.run(f"document.dispatchEvent(new KeyboardEvent('keydown', {{key: {json.dumps(key)}}}));")


def text_of(browser: Browser, id: str) -> str:
    found: str = browser.run(f"return document.getElementById({json.dumps(id)}).textContent")
    return found


def test_the_page_decides_by_keyboard_and_saves_the_same_sheet(workspace: Workspace, browser: Browser) -> None:
    page = export_review(workspace, workspace.path / "review.html")
    browser.look(1280, "light")
    browser.open_afresh(page)
    assert text_of(browser, "translation") == TEXTS[0] and text_of(browser, "english").startswith("Name three")
    marks = browser.run("return [...document.querySelectorAll('mark')].map((mark) => mark.textContent)")
    assert marks == ["three", "a", "four"]
    browser.run("document.getElementById('reviewer').value = 'ana'")
    press(browser, "b")
    assert text_of(browser, "progress") == "Row 2 of 3. 1 of 3 decided."
    browser.run(
        f"const edit = document.getElementById('edit'); edit.value = {json.dumps(BETTER)};"
        "edit.dispatchEvent(new Event('input'));"
    )
    press(browser, "j", "g", "u", "k")
    saved = workspace.path / "reviewed.csv"
    saved.write_bytes(browser.run(SAVED).encode("utf-8-sig"))
    assert b"'=1+1" in saved.read_bytes()
    summary = import_review(workspace, saved)
    assert (summary.rejected, summary.edited, summary.unmarked, summary.refused) == (1, 1, 1, [])
    assert outcomes(workspace)[1] == ("edited", BETTER)
    assert [entry for entry in browser.log() if "favicon" not in entry["message"]] == []


def test_the_page_keeps_decisions_and_filters_them(tmp_path: Path, browser: Browser) -> None:
    workspace = Workspace(tmp_path)  # with texts of its own: pages from files share what a browser keeps
    write_table(audit(make_table(*({"text": f"{BETTER} {n}", "id": f"own-{n}"} for n in range(3)))), workspace.rows)
    page = export_review(workspace, tmp_path / "review.html")
    browser.open_afresh(page)
    press(browser, "g")
    said = "return document.getElementById('progress').textContent"
    browser.open_again(page, f"{said} === 'Row 1 of 3. 1 of 3 decided.'")
    choose = (
        "const menu = document.getElementById('filter'); menu.value = 'open'; menu.dispatchEvent(new Event('change'));"
    )
    browser.run(choose)
    assert text_of(browser, "progress") == "Row 1 of 2. 1 of 3 decided."


def test_harmful_texts_are_blurred_until_asked_for(tmp_path: Path, browser: Browser) -> None:
    workspace = Workspace(tmp_path)
    rows = [{"text": f"{BETTER} {n}", "id": f"seen-{n}", "label": label} for n, label in enumerate(LABELS * 2)]
    write_table(audit(make_table(*rows)), workspace.rows)
    page = export_review(workspace, tmp_path / "review.html")
    browser.look(1280, "light")
    browser.open_afresh(page)
    hidden = (
        "const texts = document.getElementById('texts'), filter = getComputedStyle(texts.querySelector('p')).filter;"
        "return [texts.inert, filter !== 'none', !document.getElementById('hidden_texts').hidden];"
    )
    for _ in rows:
        assert browser.run(hidden) == [text_of(browser, "label") == "harmful"] * 3
        press(browser, " ")
        assert browser.run(hidden) == [False] * 3
        press(browser, "j")
    press(browser, "k", "k", "k", "k", "j")
    press(browser, *("k" if text_of(browser, "label") == "harmless" else ""))
    assert browser.run(hidden) == [True] * 3, "what was shown is covered again on the way back"
    press(browser, "e")
    assert browser.run(hidden) == [False] * 3 and browser.run("return document.activeElement.id") == "edit"
    browser.run("document.activeElement.blur(); document.getElementById('always').click()")
    browser.open_again(page, "return document.getElementById('always').checked")  # the choice outlives the visit
    for _ in rows:
        assert browser.run(hidden) == [False] * 3
        press(browser, "j")


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_of_the_page_runs_off(workspace: Workspace, browser: Browser, width: int) -> None:
    browser.look(width, "dark")
    browser.open(export_review(workspace, workspace.path / "review.html"))
    assert browser.run("return document.documentElement.scrollWidth") <= width


def test_a_page_that_somebody_changed_is_not_replaced(workspace: Workspace) -> None:
    page = export_review(workspace, workspace.path / "review.html")
    before = page.read_bytes()
    assert export_review(workspace, page).read_bytes() == before
    page.write_text(page.read_text(encoding="utf-8") + "mine", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"review\.html"):
        export_review(workspace, page)
