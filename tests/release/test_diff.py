"""diff says what changed, why, and which version step that is; release holds people to it."""

from __future__ import annotations

import json

import pytest

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release import diff_releases, write_release
from polyrefuse_data.release.versions import next_version, step_between

from .conftest import make_rows, make_workspace


def release_of(folder, rows, version="1.0.0", **options):
    return write_release(
        make_workspace(folder / f"ws-{version}", rows), version=version, out=folder / version, **options
    )


def difference(folder, change):
    """The diff from the standard rows to what `change` makes of them."""
    rows = make_rows()
    return diff_releases(release_of(folder, make_rows()), release_of(folder, change(rows) or rows, "2.0.0"))


def test_the_same_rows_are_a_patch(tmp_path):
    diff = difference(tmp_path, lambda rows: None)
    assert diff.step == "patch"
    assert diff.to_text() == "1.0.0 -> 2.0.0: a patch step\nno row, score or split changed"


def test_a_changed_text_is_major_and_names_the_column(tmp_path):
    diff = difference(tmp_path, lambda rows: rows[0].update(text="another"))
    (changed,) = diff.languages["de"].changed
    assert (diff.step, changed.reason) == ("major", "text")
    assert changed.id in diff.to_text()


def test_a_row_now_rejected_is_major_and_says_why(tmp_path):
    diff = difference(tmp_path, lambda rows: rows[0].update(status="rejected", flags=["length", "language"]))
    (removed,) = diff.languages["de"].removed
    assert (diff.step, removed.reason) == ("major", "rejected: length, language")
    # The prompt is no longer parallel in the other languages: that is no change of their rows.
    assert not diff.languages["en"].changed and diff.languages["en"].annotated == 1


def test_a_row_that_went_is_major(tmp_path):
    diff = difference(tmp_path, lambda rows: rows[1:])
    assert (diff.step, diff.languages["de"].removed[0].reason) == ("major", "no longer in the release")


def test_new_prompts_are_minor(tmp_path):
    diff = diff_releases(release_of(tmp_path, make_rows(2)), release_of(tmp_path, make_rows(3), "1.1.0"))
    assert diff.step == "minor"
    assert {change.reason for change in diff.languages["yo"].added} == {"new row"}
    assert "yo: 6 rows added" in diff.to_text()


def test_a_new_language_is_minor_although_parallel_changes_everywhere(tmp_path):
    rows = [
        row for row in make_rows(languages=("de", "en", "th", "yo")) if row["language"] != "th" or "0" in row["text"]
    ]
    diff = diff_releases(release_of(tmp_path, make_rows()), release_of(tmp_path, rows, "1.1.0"))
    assert diff.step == "minor"
    assert diff.to_dict()["languages_added"] == ["th"]
    assert {change.reason for change in diff.languages["th"].added} == {"new language"}


def test_a_row_accepted_at_last_is_minor_and_says_what_it_was_rejected_for(tmp_path):
    before = make_rows()
    before[0].update(status="rejected", flags=["refusal"])
    diff = diff_releases(release_of(tmp_path, before), release_of(tmp_path, make_rows(), "1.1.0"))
    assert (diff.step, diff.languages["de"].added[0].reason) == ("minor", "was rejected: refusal")


def test_scores_that_moved_are_a_patch_with_their_means(tmp_path):
    def rescored(rows):
        for row in rows[:6:3]:
            row["chrf"] = 50.25

    diff = difference(tmp_path, rescored)
    shift = diff.languages["de"].scores["chrf"]
    assert (diff.step, shift.moved, shift.rows) == ("patch", 2, 24)
    assert shift.to_dict()["new_mean"] == pytest.approx((22 * 61.25 + 2 * 50.25) / 24, abs=1e-4)
    assert "de: chrf moved in 2 of 24 rows, mean 61.25 -> 60.3333" in diff.to_text()


def test_splits_that_changed_are_named(tmp_path):
    def moved(rows):
        for row in rows[:3]:
            row["split"] = "test"

    diff = difference(tmp_path, moved)
    assert diff.step == "major"
    assert all(diff.languages[code].splits == {"train -> test": 1} for code in ("de", "en", "yo"))
    assert "en: 1 row moved train -> test" in diff.to_text()


def test_json_lists_every_row_and_markdown_is_a_list(tmp_path):
    diff = difference(tmp_path, lambda rows: [row for row in rows if row["language"] != "yo"])
    record = json.loads(diff.to_json())
    assert record["languages_removed"] == ["yo"] and len(record["languages"]["yo"]["removed"]) == 24
    assert all(line.startswith(("- ", "  - ")) for line in diff.to_markdown().splitlines())


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ("1.2.3", "2.0.0", "major"),
        ("1.2.3", "1.3.0", "minor"),
        ("1.2.3", "1.2.4", "patch"),
        ("0.9.0", "0.10.0", "minor"),
    ],
)
def test_steps_between_versions(old, new, step):
    assert step_between(old, new) == step
    assert next_version("1.2.3", step) in ("2.0.0", "1.3.0", "1.2.4")


@pytest.mark.parametrize("new", ["1.2.3", "1.2.2", "0.9.9"])
def test_a_version_has_to_be_higher(new):
    with pytest.raises(ReleaseError, match="does not follow"):
        step_between("1.2.3", new)


def test_release_refuses_a_smaller_step_unless_told(tmp_path):
    first = release_of(tmp_path, make_rows())
    rows = make_rows()
    rows[0]["text"] = "changed"
    with pytest.raises(ReleaseError, match=r"a major step: release them as 2\.0\.0 or higher"):
        release_of(tmp_path, rows, "1.0.1", previous=first)
    assert not (tmp_path / "1.0.1").exists()
    told = release_of(tmp_path, rows, "1.0.1", previous=first, allow_smaller_step=True)
    assert "## 1.0.1 (major)" in (told / "CHANGELOG.md").read_text()


def test_the_changelog_grows_from_release_to_release(tmp_path):
    first = release_of(tmp_path, make_rows(2))
    second = release_of(tmp_path, make_rows(3), "1.1.0", previous=first)
    third = release_of(tmp_path, make_rows(3), "1.1.1", previous=second)
    text = (third / "CHANGELOG.md").read_text()
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == ["# Changelog", "## 1.1.1 (patch)", "## 1.1.0 (minor)", "## 1.0.0"]
    assert "- First release: 36 rows in 3 languages." in text and "- yo: 6 rows added" in text


def test_a_language_of_which_every_row_was_rejected_is_compared_too(tmp_path):
    rows = make_rows()
    for row in rows:
        row["status"] = "rejected" if row["language"] == "yo" else "accepted"
    diff = diff_releases(release_of(tmp_path, rows), release_of(tmp_path, make_rows(), "1.1.0"))
    assert diff.step == "minor" and diff.to_dict()["languages_added"] == ["yo"]
    assert len(diff.languages["yo"].added) == 24


def test_the_rows_outside_a_subset_are_not_lost_from_the_diff(tmp_path):
    rows = make_rows()
    rows[0].update(status="rejected", flags=["length"])
    whole = release_of(tmp_path, rows)
    parallel = release_of(tmp_path, rows, "2.0.0", subset="parallel")
    diff = diff_releases(whole, parallel)
    assert [change.reason for change in diff.languages["en"].removed] == ["rejected: outside_subset"]


@pytest.mark.parametrize("content", [None, b"junk"], ids=["missing", "broken"])
def test_a_damaged_release_is_named_with_its_file(tmp_path, content):
    whole, damaged = release_of(tmp_path, make_rows()), release_of(tmp_path, make_rows(), "1.0.1")
    file = damaged / "data/de/harmful-test.parquet"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ReleaseError, match=r"data/de/harmful-test\.parquet cannot be read"):
        diff_releases(whole, damaged)
