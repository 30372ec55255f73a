"""Only rows that were checked as the config asks for are released, and the release says under what, from them alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.quality import check, export_review, import_review, signature, write_report
from polyrefuse_data.release import load_release, release_info, verify_release, write_release
from polyrefuse_data.release.manifest import read_manifest
from polyrefuse_data.rows import prompt_id, sort_rows, table_from_rows
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace
from tests.cases import every_second


def seed_rows(languages=("en", "de", "es"), each=2):
    """Rows of seed prompts, `each` of both labels in every split, as somebody makes them before any check."""
    counts, rows = {}, []
    for prompt in seed_prompts():
        kind = prompt.label, prompt.split
        counts[kind] = counts.get(kind, 0) + 1
        english = seed_texts("en").prompts[prompt.key]
        for code in languages if counts[kind] <= each else ():
            rows.append(
                {
                    "id": prompt_id("seeds", english), "language": code, "label": prompt.label, "split": prompt.split,
                    "text": seed_texts(code).prompts[prompt.key], "text_en": english, "source": "seeds",
                    "license": "Apache-2.0", "origin": "original" if code == "en" else "human",
                }
            )  # fmt: skip
    return rows


@pytest.fixture
def unchecked(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "ws")
    write_table(sort_rows(table_from_rows(seed_rows())), workspace.rows)
    return workspace


@pytest.fixture
def workspace(unchecked: Workspace) -> Workspace:
    check(unchecked, progress=False)
    return unchecked


def release_of(workspace: Workspace, name: str = "rel", **options) -> Path:
    return write_release(workspace, version="1.0.0", out=workspace.path.parent / name, **options)


def refused(workspace: Workspace, reason: str) -> None:
    """The release is refused for this reason, the mend is named, mends it, and nothing was left behind."""
    with pytest.raises(ReleaseError, match=f"{reason}: run `polyrefuse check {workspace.path}` first"):
        release_of(workspace)
    assert not (workspace.path.parent / "rel").exists()
    check(workspace, progress=False)
    assert verify_release(release_of(workspace)) == []


def test_rows_that_no_check_has_seen_are_not_released(unchecked):
    assert set(unchecked.read_rows()["status"].to_pylist()) == {"accepted"}  # who made them says so
    refused(unchecked, "the rows have not been checked")


def test_rows_of_an_older_version_of_the_package_are_checked_again(workspace):
    write_table(workspace.read_rows().replace_schema_metadata(None), workspace.rows)
    workspace.scores.unlink()
    refused(workspace, "the rows have not been checked")


@pytest.mark.parametrize("column", every_second(["text", "text_en", "back_translation", "flags", "status", "language"]))
def test_a_row_that_was_changed_since_has_no_verdict(workspace, column):
    rows = workspace.read_rows()
    last = rows.num_rows - 1
    other = {"flags": ["script"], "status": "edited", "language": "fr"}.get(column, "Something else.")
    values = [*rows[column].to_pylist()[:last], other]
    place = rows.column_names.index(column)
    write_table(rows.set_column(place, rows.schema.field(column), pa.array(values, rows[column].type)), workspace.rows)
    refused(workspace, "rows were added or changed since they were checked")


def test_a_row_that_was_added_since_has_no_verdict(workspace):
    rows = workspace.read_rows()
    added = {**rows.slice(0, 1).to_pylist()[0], "id": "zz-1", "text": "Ignore all that."}
    write_table(pa.concat_tables([rows, pa.Table.from_pylist([added], rows.schema)]), workspace.rows)
    refused(workspace, "rows were added or changed since they were checked")


def test_other_columns_may_be_set_right_without_a_check(workspace):
    rows = workspace.read_rows()
    place = rows.column_names.index("license")
    write_table(rows.set_column(place, "license", pa.array(["MIT"] * rows.num_rows)), workspace.rows)
    assert release_info(release_of(workspace))["license"] == "MIT"


@pytest.mark.parametrize(
    "quality", ["[quality.thresholds]\nlength_ratio_max = 1.01\n", '[quality]\ndisable = ["script"]\n']
)
def test_rows_checked_under_something_else_than_the_config_asks_for_are_not_released(workspace, quality):
    workspace.config.write_text(quality)
    refused(workspace, "the rows were checked under a .* config other than the current one")


def test_the_signature_is_that_of_the_rows(workspace):
    strict = {"thresholds": {"length_ratio_max": 1.01}}
    workspace.config.write_text("[quality.thresholds]\nlength_ratio_max = 1.01\n")
    check(workspace, progress=False)
    release = release_of(workspace)
    assert read_manifest(release).check_signature == signature(strict) != signature()
    assert signature(strict) in (release / "README.md").read_text(encoding="utf-8")
    summary = json.loads((release / "report/summary.json").read_text())
    assert summary["signature"] == signature(strict)
    assert summary["thresholds"]["length_ratio_max"]["bounds"]["de"] == 1.01


def test_the_report_is_of_the_rows_that_are_released(workspace, tmp_path):
    """Whatever lies in the workspace's report folder: an older report, or a link to something private."""
    write_report(workspace)
    private = tmp_path / "private.txt"
    private.write_text("private")
    (workspace.report / "link.txt").symlink_to(private)
    (workspace.report / "summary.json").write_text("{broken")
    release = release_of(workspace)
    assert sorted(path.name for path in (release / "report").iterdir()) == ["index.html", "summary.json"]
    summary = json.loads((release / "report/summary.json").read_text())
    assert summary["status"]["accepted"] == sum(map(len, load_release(release).values()))


def test_after_a_review_the_packed_report_counts_what_was_edited(workspace, tmp_path):
    write_report(workspace)  # before the review: it says that nothing was edited
    sheet = export_review(workspace)
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        records = list(csv.DictReader(file))
    records[0] |= {"edit": records[0]["text"] + " Danke.", "reviewer": "ana"}
    records[1] |= {"verdict": "bad", "reviewer": "ana"}
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
    import_review(workspace, sheet)
    release = release_of(workspace)
    status = json.loads((release / "report/summary.json").read_text())["status"]
    kept = [row for split in load_release(release).values() for row in split]
    assert status["edited"] == 1 == sum(row["status"] == "edited" for row in kept)
    assert status["accepted"] + status["edited"] == len(kept)
    assert status["rejected"] == sum(counts.rejected for counts in read_manifest(release).counts.values()) >= 1


def test_the_report_of_a_subset_counts_its_rows(workspace):
    rows = workspace.read_rows()
    some = [row for row in rows.to_pylist() if not (row["language"] == "es" and row["id"] == rows["id"][0].as_py())]
    write_table(table_from_rows(some), workspace.rows)
    check(workspace, progress=False)
    release = release_of(workspace, subset="parallel")
    summary = json.loads((release / "report/summary.json").read_text())
    assert summary["status"]["accepted"] == sum(map(len, load_release(release).values())) < len(some)
    assert summary["languages"]["de"]["rejected_by_first_reason"]["outside_subset"] == 1


def test_scores_are_released_where_they_are_asked_for(workspace):
    assert not (release_of(workspace) / "scores.parquet").exists()
    release = release_of(workspace, "with-scores", with_scores=True)
    assert verify_release(release) == []
    scores, rows = pq.read_table(release / "scores.parquet"), workspace.read_rows()
    assert scores.select(["id", "language"]).equals(rows.select(["id", "language"]))
    assert scores["length_ratio"].cast(pa.float32()).equals(rows["length_ratio"])
    assert read_manifest(release).files["scores.parquet"].rows == rows.num_rows
    assert release_info(release)["content_sha256"] == release_info(workspace.path.parent / "rel")["content_sha256"]
    workspace.scores.unlink()
    with pytest.raises(ReleaseError, match="polyrefuse check"):
        release_of(workspace, "another", with_scores=True)
