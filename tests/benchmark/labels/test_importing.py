"""The round trip on a run as `benchmark judge` makes it: export, label, import, report."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from polyrefuse_data.benchmark import export_labels, import_labels, judge_run
from polyrefuse_data.cli import app
from polyrefuse_data.errors import ConfigError
from tests.benchmark.conftest import WORLD, world_rows
from tests.benchmark.labels.runs import fill, read, write
from tests.hostile import HTML

MISSED = "That is not something for me ."  # a refusal in words that the phrase judge does not know


def tell(row: dict[str, str]) -> str:
    refuses = row["reply"] in (MISSED, *(words.refusal for words in WORLD.values()))
    return "refusal" if refuses else "compliance"


@pytest.fixture(scope="module")
def judged(release: Path, tmp_path_factory: pytest.TempPathFactory, no_figures: None) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    rows = [row for row in world_rows() if row["split"] == "test"]
    replies = []
    for number, row in enumerate(rows):
        words = WORLD[row["language"]]
        reply = words.refusal if row["label"] == "harmful" else words.answer
        odd = {1: MISSED, 2: "=1+1 , here is an idea .", 3: "".join(HTML)}.get(number % 16)
        replies.append({"id": row["id"], "language": row["language"], "reply": odd or reply})
    file = folder / "r.jsonl"
    file.write_text("".join(json.dumps(reply) + "\n" for reply in replies), encoding="utf-8")
    return judge_run(file, release, folder / "run", languages=["en", "de"])


@pytest.fixture
def run(judged: Path, tmp_path: Path, no_figures: None) -> Path:
    return Path(shutil.copytree(judged, tmp_path / "run"))


def test_labels_reach_scores_and_report(run: Path, tmp_path: Path) -> None:
    sheet = export_labels(run)
    done = import_labels(run, fill(sheet, tmp_path / "anna.csv", tell))
    assert (sum(done.labels.values()), done.refused) == (64, [])
    scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    harmful = next(row for row in scores["calibration"]["rates"] if row["label"] == "harmful")
    raw = next(row for row in scores["rows"] if (row["target_language"], row["label"]) == ("en", "harmful"))
    assert harmful["refusal"] == raw["refusal"] and harmful["refusal_low"] == raw["refusal_low"]
    assert harmful["corrected"] == pytest.approx(14 / 16)  # all are labelled: what people say
    assert not harmful["concludes"]  # 16 of them
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Refusal without the judge’s errors" in page
    assert "From labels of people (anna: 64)" in page
    before = (run / "scores.json").read_bytes()
    assert import_labels(run, fill(sheet, tmp_path / "anna.csv", tell)).labels == done.labels
    assert (run / "scores.json").read_bytes() == before


def test_a_run_that_is_judged_again_keeps_its_labels(judged: Path, run: Path, release: Path, tmp_path: Path) -> None:
    import_labels(run, fill(export_labels(run), tmp_path / "anna.csv", tell))
    before = json.loads((run / "scores.json").read_text(encoding="utf-8"))["calibration"]
    judge_run(judged.parent / "r.jsonl", release, run, languages=["en", "de"])
    assert json.loads((run / "scores.json").read_text(encoding="utf-8"))["calibration"] == before


def test_two_people_are_kept_apart_and_compared(run: Path, tmp_path: Path) -> None:
    sheet = export_labels(run)
    import_labels(run, fill(sheet, tmp_path / "a.csv", tell, "anna"))
    done = import_labels(run, fill(sheet, tmp_path / "b.csv", lambda row: "nonsense", "ben"))
    text = done.to_text()
    assert re.search(r"kappa of anna and ben 0\.00 \(-?\d\.\d\d–\d\.\d\d, n = \d+\)", text)
    assert "en: 32 replies labelled" in text and "too few labels to conclude anything" in text
    kept = json.loads((run / "labels" / "labels.json").read_text(encoding="utf-8"))
    assert {name: len(own) for name, own in kept.items()} == {"anna": 64, "ben": 64}
    told = json.loads(done.to_json())
    assert told["calibration"]["agreement"][0]["pairs"][0]["judges"] == ["anna", "ben"]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "anna and ben: 0.00" in page
    # Changed and imported again, a person's labels are replaced.
    import_labels(run, fill(sheet, tmp_path / "b.csv", tell, "ben"))
    assert "anna and ben: 1.00" in (run / "report.html").read_text(encoding="utf-8")


def test_what_cannot_be_used_is_refused_with_its_reason(run: Path, tmp_path: Path) -> None:
    rows = [{**row, "label": tell(row), "annotator": "anna"} for row in read(export_labels(run))]
    rows[0]["reply"] += " changed"
    rows[1]["label"] = "maybe"
    rows[2]["key"] = "r000000000000"
    rows[3]["label"] = ""
    rows.append(dict(rows[4]))
    done = import_labels(run, write(tmp_path / "a.csv", rows, delimiter=";"))
    reasons = [row["reason"] for row in done.refused]
    assert [reason.split(":")[0].split(" '")[0] for reason in reasons] == [
        *("tampered", "label", "not in a sample of this run", "twice in this file"),
    ]
    assert done.unlabelled == 1 and sum(done.labels.values()) == 60


def test_a_reply_that_changed_since_is_stale(run: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    from polyrefuse_data.benchmark import store

    sheet = fill(export_labels(run), tmp_path / "a.csv", tell)
    path = run / "completions" / "baseline" / "en.parquet"
    table = pq.read_table(path)
    changed = [{**row, "reply": f"{row['reply']} ."} for row in table.to_pylist()]
    store.write_completions(path, table.from_pylist(changed, schema=table.schema))
    done = import_labels(run, sheet)
    assert {row["reason"].split(":")[0] for row in done.refused} == {"stale"} and len(done.refused) == 32


def test_decisions_of_a_page_hold_no_texts(run: Path, tmp_path: Path) -> None:
    rows = read(export_labels(run))
    names = ("key", "language", "label", "annotator", "check")
    told = [{**row, "label": tell(row), "annotator": "anna"} for row in rows]
    file = write(tmp_path / "labels.csv", [{name: row[name] for name in names} for row in told])
    assert sum(import_labels(run, file).labels.values()) == 64


def test_who_labelled_has_to_be_known(run: Path, tmp_path: Path) -> None:
    sheet = fill(export_labels(run), tmp_path / "a.csv", tell, "")
    with pytest.raises(ConfigError, match="give --annotator"):
        import_labels(run, sheet)
    with pytest.raises(ConfigError, match="annotator '=x'"):
        import_labels(run, sheet, annotator="=x")
    assert import_labels(run, sheet, annotator="Ann K.", dry_run=True).calibration["annotators"] == {"Ann K.": 64}
    assert not (run / "labels" / "labels.json").exists()


def test_files_that_are_no_labels_are_named(run: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"no column key.*benchmark label export"):
        import_labels(run, tmp_path / "x.csv")
    sheet = fill(export_labels(run), tmp_path / "a.csv", tell)
    (run / "labels" / "labels.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not a table of labels"):
        import_labels(run, sheet)


def test_no_cell_is_a_formula(run: Path) -> None:
    cells = [cell for row in read(export_labels(run)) for cell in row.values()]
    assert any("=1+1" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]


def test_from_the_command_line(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.csv"
    options = ["--out", str(out), "--size", "20", "--languages", "en", "--interventions", "baseline"]
    exported = CliRunner().invoke(app, ["benchmark", "label", "export", str(run), *options])
    assert (exported.exit_code, exported.stdout.strip(), len(read(out))) == (0, str(out), 20)
    filled = fill(out, tmp_path / "filled.csv", tell, "")
    wanted = ["benchmark", "label", "import", str(run), str(filled), "--annotator", "anna"]
    planned = CliRunner().invoke(app, [*wanted, "--dry-run"])
    assert planned.exit_code == 0 and not (run / "labels" / "labels.json").exists()
    done = CliRunner().invoke(app, [*wanted, "--json"])
    assert json.loads(done.stdout)["calibration"]["annotators"] == {"anna": 20}
