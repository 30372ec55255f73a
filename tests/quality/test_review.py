"""The spreadsheet's round trip."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality import audit, export_review, import_review
from polyrefuse_data.quality.review.decisions import seal
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace
from tests.quality.tables import make_table

GOOD = "Nennen Sie drei Tipps für einen besseren Schlaf in der Nacht."


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    rows = [
        {"text": GOOD},
        {"text": "Name three tips for a better sleep at night."},
        {
            "text": "=SUMME(A1) ist eine Formel: Nennen Sie drei Tipps für einen besseren Schlaf.",
            "text_en": "=SUM(A1) is a formula: name three tips for a better sleep.",
        },
        {
            "text": "'-x ist negativ: Nennen Sie drei Tipps für einen besseren Schlaf bei Nacht.",
            "text_en": "'-x is negative: name three tips for a better sleep at night.",
        },
        {"language": "en", "text": "Name three tips for a better sleep at night."},
    ]
    folder = Workspace(tmp_path / "ws")
    write_table(audit(make_table(*rows)), folder.rows)
    return folder


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def write(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    return path


def test_export_is_safe_for_spreadsheets_and_holds_no_english(workspace: Workspace) -> None:
    file = export_review(workspace)
    assert file == workspace.review / "review.csv"
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = read(file)
    assert [row["language"] for row in rows] == ["de"] * 4
    assert rows[2]["text"].startswith("'=SUMME")
    assert rows[3]["text"].startswith("''-x")
    assert all(row["verdict"] == row["edit"] == row["reviewer"] == "" for row in rows)


def test_export_is_the_same_every_time_and_stratified(tmp_path: Path) -> None:
    folder = Workspace(tmp_path)
    texts = [GOOD] * 30 + ["Name three tips for a better sleep at night."]
    write_table(audit(make_table(*({"text": text, "id": f"own-{n:02}"} for n, text in enumerate(texts)))), folder.rows)
    first = export_review(folder, size=6).read_bytes()
    assert export_review(folder, size=6).read_bytes() == first
    rows = read(folder.review / "review.csv")
    assert len(rows) == 6
    assert "own-30" in {row["id"] for row in rows}  # the one rejected row is a stratum of its own


def test_flagged_exports_every_flagged_row(workspace: Workspace) -> None:
    assert [row["id"] for row in read(export_review(workspace, flagged=True))] == ["own-1"]


def test_edits_and_verdicts_are_applied(workspace: Workspace) -> None:
    rows = read(export_review(workspace))
    rows[0] |= {"verdict": "bad", "reviewer": "ana"}
    rows[1] |= {"edit": GOOD, "reviewer": "ana"}
    rows[2] |= {"verdict": "Good"}
    summary = import_review(workspace, write(workspace.path / "back.csv", rows, delimiter=";"))
    assert (summary.reviewed, summary.edited, summary.rejected, summary.accepted, summary.unmarked) == (3, 1, 1, 1, 1)
    after = {row["id"]: row for row in workspace.read_rows().to_pylist() if row["language"] == "de"}
    assert (after["own-0"]["status"], after["own-0"]["flags"]) == ("rejected", ["rejected_by_review"])
    assert (after["own-1"]["text"], after["own-1"]["status"], after["own-1"]["origin"]) == (GOOD, "edited", "human")
    assert after["own-1"]["translator"] == "ana"
    assert after["own-2"]["status"] == "accepted"
    assert after["own-1"]["copy_ratio"] < 0.2  # scored anew


def test_agreement_is_precision_and_recall_per_check(workspace: Workspace) -> None:
    rows = read(export_review(workspace))
    rows[0] |= {"verdict": "bad"}  # missed by every check
    rows[1] |= {"verdict": "bad"}  # rejected as untranslated
    rows[2] |= {"verdict": "good"}
    summary = import_review(workspace, write(workspace.path / "back.csv", rows))
    found = summary.agreement["untranslated"]
    assert (found.precision, found.recall) == (1.0, 0.5)
    assert json.loads(summary.to_json())["agreement"]["any"]["recall"] == 0.5
    assert "untranslated: precision 100%, recall 50%" in summary.to_text()


def test_stale_tampered_and_unknown_rows_are_refused_and_left_alone(workspace: Workspace) -> None:
    rows = read(export_review(workspace))
    write(workspace.path / "first.csv", [rows[0] | {"edit": GOOD + " Bitte."}])
    import_review(workspace, workspace.path / "first.csv")
    before = workspace.rows.read_bytes()
    rows[0] |= {"verdict": "bad"}
    rows[1] |= {"text": "anderer Text", "verdict": "good"}
    rows[2] |= {"id": "own-99", "verdict": "bad"}
    rows[3] |= {"verdict": "perhaps"}
    summary = import_review(workspace, write(workspace.path / "back.csv", rows))
    reasons = [row["reason"].split(":")[0].split(";")[0] for row in summary.refused]
    assert reasons == [
        "stale",
        "tampered",
        "no such row in this workspace",
        "verdict 'perhaps' is neither good nor bad",
    ]
    assert workspace.rows.read_bytes() == before


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xff\xfe\x00", None])
def test_a_file_that_is_no_review_is_named(workspace: Workspace, content: bytes | None) -> None:
    file = workspace.path / "other.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"other\.csv"):
        import_review(workspace, file)


def test_an_unknown_language_is_named(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="'xx'"):
        export_review(workspace, languages=["xx"])


def test_line_ends_of_a_spreadsheet_do_not_count_as_tampering(tmp_path: Path) -> None:
    folder = Workspace(tmp_path)
    source = "Sort:\napple\npear"
    write_table(audit(make_table({"text": "Sortiere:\nApfel\nBirne", "text_en": source})), folder.rows)
    rows: list[dict[str, Any]] = read(export_review(folder))
    rows[0] |= {"verdict": "good", "text": rows[0]["text"].replace("\n", "\r\n")}
    assert import_review(folder, write(tmp_path / "back.csv", rows)).refused == []


def test_importing_a_file_again_changes_nothing_and_says_the_same(workspace: Workspace) -> None:
    rows = read(export_review(workspace))
    rows[0] |= {"verdict": "bad"}
    rows[1] |= {"verdict": "good"}  # rejected as untranslated: the check was wrong here
    rows[2] |= {"edit": GOOD, "reviewer": "ana"}
    file = write(workspace.path / "back.csv", rows)
    first = import_review(workspace, file)
    after = workspace.rows.read_bytes()
    assert (first.agreement["any"].precision, first.agreement["any"].recall) == (0.0, 0.0)
    assert import_review(workspace, file).to_json() == first.to_json()
    assert workspace.rows.read_bytes() == after


def test_a_later_verdict_takes_back_an_earlier_one(workspace: Workspace) -> None:
    def reviewed(verdict: str) -> dict[str, Any]:
        rows = read(export_review(workspace))
        import_review(workspace, write(workspace.path / "back.csv", [rows[0] | {"verdict": verdict}]))
        found: dict[str, Any] = workspace.read_rows().to_pylist()[0]
        return found

    assert (reviewed("bad")["status"], reviewed("good")["status"]) == ("rejected", "accepted")
    assert reviewed("good")["flags"] == []


def test_verdicts_that_no_row_can_follow_are_refused(tmp_path: Path) -> None:
    folder = Workspace(tmp_path)
    english = {"language": "en", "text": "Name three tips.", "text_en": "Name three tips."}
    table = audit(
        make_table(
            {"text": "", "flags": ["translation_failed"], "status": "rejected"},
            {"text_en": "", "flags": ["unmatched"], "status": "rejected"},
            {"flags": ["conflict"], "status": "rejected"},
            english,
        )
    )
    write_table(table, folder.rows)
    before = folder.rows.read_bytes()
    rows = read(export_review(folder))
    forged = rows[0] | english | {"id": "own-3"}
    rows.append(forged | {"check": seal(forged)})
    told = [row | {"verdict": "good"} for row in rows[:3]]
    told += [rows[1] | {"edit": GOOD}, rows[2] | {"edit": GOOD + "!"}, rows[3] | {"edit": "Another prompt."}]
    summary = import_review(folder, write(tmp_path / "back.csv", told))
    reasons = [row["reason"].split(",")[0].split(":")[0] for row in summary.refused]
    assert reasons == ["good", "unmatched", "conflict", "unmatched", "conflict", "an English prompt"]
    assert folder.rows.read_bytes() == before


def test_a_reviewer_accepts_a_row_whose_english_could_not_be_proven(tmp_path: Path) -> None:
    folder = Workspace(tmp_path)
    write_table(audit(make_table({"flags": ["unproven"], "status": "rejected"})), folder.rows)
    told = [row | {"verdict": "good"} for row in read(export_review(folder))]
    assert import_review(folder, write(tmp_path / "back.csv", told)).refused == []
    assert folder.read_rows()["status"].to_pylist() == ["edited"]


def test_an_edit_leaves_nothing_that_was_said_of_the_text_before(tmp_path: Path) -> None:
    folder = Workspace(tmp_path)
    said = {"back_translation": "Something else.", "back_translator": "nllb:x", "flags": ["rejected_by_review"]}
    table = make_table(said, {"text": "", "flags": ["translation_failed"]})
    write_table(audit(table.append_column("comet", pa.array([0.1, None]))), folder.rows)
    rows = read(export_review(folder, flagged=True))
    edited = [row | {"edit": GOOD[:-1] + "!", "verdict": "good"} for row in rows]
    assert import_review(folder, write(tmp_path / "back.csv", edited)).edited == 2
    for row in folder.read_rows().to_pylist():
        assert (row["status"], row["origin"], row["flags"]) == ("edited", "human", [])
        assert (row["back_translation"], row["back_translator"], row["chrf"], row["comet"]) == (None, "", None, None)


def test_the_seal_is_nothing_that_a_spreadsheet_takes_for_a_number(workspace: Workspace) -> None:
    assert all(row["check"][0].isalpha() and row["check"][0] != "e" for row in read(export_review(workspace)))


def test_rows_with_broken_text_are_reviewed_like_others(tmp_path: Path) -> None:
    folder = Workspace(tmp_path)
    table = make_table({}, {})
    broken = pa.array([b"Nenne \xed\xa0\x80 Tipps", GOOD.encode()], pa.binary()).view(pa.string())
    write_table(audit(table.set_column(table.column_names.index("text"), "text", broken)), folder.rows)
    rows = read(export_review(folder))
    summary = import_review(folder, write(tmp_path / "back.csv", [rows[0] | {"edit": GOOD + "!"}, rows[1]]))
    assert (summary.edited, summary.refused) == (1, [])
    assert folder.read_rows()["text"].to_pylist() == [GOOD + "!", GOOD]


def test_an_edit_holds_nothing_that_its_reviewer_did_not_see(workspace: Workspace) -> None:
    rows = read(export_review(workspace))
    rows[1]["edit"] = "Nennen Sie drei \u200bTipps für bes\u00adseren Schlaf in der Nacht."
    import_review(workspace, write(workspace.review / "done.csv", rows))
    edited = [row for row in workspace.read_rows().to_pylist() if row["status"] == "edited"]
    assert [row["text"] for row in edited] == ["Nennen Sie drei Tipps für besseren Schlaf in der Nacht."]
    assert "hidden_characters" not in edited[0]["flags"]
