"""show: a row with its prompt, its tries, its scores and the reasons for its flags, from a workspace or a release."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from polyrefuse_data.errors import ConfigError, ReleaseError
from polyrefuse_data.quality import check
from polyrefuse_data.release import show_rows, write_release
from polyrefuse_data.system.files import write_table
from polyrefuse_data.translation.attempts import ATTEMPT_SCHEMA
from polyrefuse_data.workspace import Workspace
from tests.quality.tables import make_table

ENGLISH = "Name three tips for a better sleep at night."
HOSTILE = "Nennen Sie \x1b[31mdrei\u202e Tipps für einen besseren Schlaf in der Nacht."


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    workspace = Workspace(tmp_path / "ws")
    rows = [
        {"id": "own-1", "translator": "nllb:x", "attempts": 2, "back_translation": "Name three tips for better sleep."},
        {"id": "own-1", "language": "en", "text": ENGLISH, "origin": "original"},
        {"id": "own-2", "text": "Tipps!", "translator": "nllb:x", "attempts": 1},
        {"id": "own-3", "text": HOSTILE},
        {"id": "own-4", "text": "", "flags": ["translation_failed", "http_500"], "status": "rejected"},
    ]
    write_table(make_table(*rows), workspace.rows)
    told = [
        (1, "openai:y", "failed", ["content_filter"], "blocked \x1b[2J", False),
        (2, "nllb:x", "accepted", [], "", True),
    ]
    names = ("attempt", "translator", "outcome", "reasons", "detail", "kept")
    tries = [{"id": "own-1", "language": "de", **dict(zip(names, line, strict=True))} for line in told]
    write_table(pa.Table.from_pylist(tries[::-1], schema=ATTEMPT_SCHEMA), workspace.attempts)
    check(workspace, progress=False)
    return workspace


def test_a_row_is_told_with_its_tries_scores_and_reasons(workspace):
    text = show_rows(workspace.path, "own-1", language="de").to_text()
    assert text.splitlines()[0] == "own-1  de  harmless train  accepted"
    for said in (
        f"English   {ENGLISH}",
        "text      Nennen Sie drei Tipps für einen besseren Schlaf in der Nacht.",
        "back      Name three tips for better sleep.",
        "from      own, CC0-1.0",
        "by        machine, nllb:x",
        "1. openai:y: failed content_filter (blocked",
        "2. nllb:x: accepted; its text is the row's",
        "correspondence ",  # a score that rows do not hold
        "length_ratio 1.386",
    ):
        assert said in text, said


def test_each_flag_has_its_reason_in_numbers(workspace):
    shown = show_rows(workspace.path, "own-2").rows[0]
    assert shown.reasons["length_ratio"] == "length_ratio 0.1364, at least 0.72"
    told = shown.reasons["unverified_meaning"]
    assert told.startswith("correspondence -") and told.endswith("at least -2 (a remark, rejects nothing)")
    failed = show_rows(workspace.path, "own-4").rows[0]
    assert list(failed.reasons) == ["translation_failed", "empty", "http_500"]
    assert failed.reasons["http_500"] == ""  # its maker's word
    assert "flag      http_500\n" in failed.to_text() + "\n"


def test_bounds_are_those_that_the_rows_were_checked_under(workspace):
    workspace.config.write_text("[quality.thresholds]\nlength_ratio_min = 0.01\n")
    shown = show_rows(workspace.path, "own-2")
    assert shown.rows[0].reasons["length_ratio"] == "length_ratio 0.1364, at least 0.72"
    assert shown.notice.endswith(f"run `polyrefuse check {workspace.path}`")
    check(workspace, progress=False)
    assert "length_ratio" not in show_rows(workspace.path, "own-2").rows[0].reasons


def test_nothing_in_a_row_steers_the_terminal_and_what_is_hidden_is_seen(workspace):
    for text in (show_rows(workspace.path).to_text(), show_rows(workspace.path, "own-3").to_text()):
        assert "\x1b" not in text and "\u202e" not in text
    assert "\\u001b[31mdrei\\u202e Tipps" in text


def test_filters_and_limits(workspace):
    assert [line.row["id"] for line in show_rows(workspace.path, flag="length_ratio").rows] == ["own-2"]
    assert [line.row["language"] for line in show_rows(workspace.path, language="en").rows] == ["en"]
    rejected = show_rows(workspace.path, status="rejected").rows
    assert rejected and {line.row["status"] for line in rejected} == {"rejected"}
    with pytest.raises(ConfigError, match="use one of accepted, rejected, edited"):
        show_rows(workspace.path, status="refused")
    some = show_rows(workspace.path, limit=2)
    assert (len(some.rows), some.found) == (2, 5)
    assert some.to_text().endswith("3 more rows match: narrow the search, or raise --limit")
    assert show_rows(workspace.path, flag="script").to_text() == "no row matches"
    for wanted in ({"id": "own-9"}, {"language": "yo"}):
        with pytest.raises(ConfigError, match="has no row with the"):
            show_rows(workspace.path, **wanted)


@pytest.mark.parametrize("with_scores", [False, True])
def test_a_release_is_shown_like_a_workspace(workspace, tmp_path, with_scores):
    release = write_release(workspace, version="1.0.0", out=tmp_path / "rel", with_scores=with_scores)
    shown, own = show_rows(release, "own-2").rows[0], show_rows(workspace.path, "own-2").rows[0]
    assert shown.row["label"] == "harmless"
    assert shown.reasons["length_ratio"] == own.reasons["length_ratio"]
    assert ("correspondence" in shown.scores) == with_scores
    if with_scores:
        assert shown.scores == own.scores and shown.reasons == own.reasons
    (release / "report/summary.json").write_text("{")
    assert show_rows(release, "own-2").rows[0].reasons["length_ratio"] == ""


def test_a_folder_of_neither_kind_is_named(tmp_path):
    with pytest.raises(ConfigError, match="neither a release nor a workspace with rows"):
        show_rows(tmp_path)
    with pytest.raises(ReleaseError, match="neither a release folder nor a Hub id"):
        show_rows(tmp_path / "nowhere")


def test_rows_that_were_not_checked_are_shown_as_such(workspace):
    write_table(workspace.read_rows().replace_schema_metadata(None), workspace.rows)
    text = show_rows(workspace.path, "own-2").to_text()
    assert text.startswith("the rows have not been checked: run `polyrefuse check")


def test_the_command(polyrefuse, workspace):
    done = polyrefuse("show", workspace.path, "own-1", "--json")
    assert done.returncode == 0, done.stderr
    german, english = json.loads(done.stdout)
    assert (german["language"], english["language"], german["tries"][1]["kept"]) == ("de", "en", True)
    assert german["scores"]["paired"] == 1.0 and german["reasons"] == {}
    wrong = polyrefuse("show", workspace.path, "own-9")
    assert wrong.returncode == 2 and wrong.stderr.strip().endswith("has no row with the id 'own-9'")
