"""import: rows are there once they are checked; run again, it goes on after a stop, and changes nothing when done."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.pipeline.importing import import_path
from polyrefuse_data.quality import audit, batch, check, export_review, import_review, scoring
from polyrefuse_data.quality.provenance import provenance_of
from polyrefuse_data.release import write_release
from polyrefuse_data.sources import ImportSummary, read_import
from polyrefuse_data.workspace import Workspace


def write(path: Path, count: int = 20, **changed: Any) -> Path:
    """A JSONL file of seed prompts in German and Yoruba; one text is left in English."""
    records = []
    for prompt in seed_prompts()[:count]:
        english = seed_texts("en").prompts[prompt.key]
        common = {"text_en": english, "label": prompt.label, "split": prompt.split, "license": "Apache-2.0", **changed}
        records += [{**common, "language": code, "text": seed_texts(code).prompts[prompt.key]} for code in ("de", "yo")]
    records[0]["text"] = records[0]["text_en"]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "mine.jsonl")


def run(file: Path, workspace: Workspace, **options: Any) -> ImportSummary:
    return import_path(file, workspace, progress=False, **options)


def files(workspace: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in workspace.path.iterdir() if path.name != ".lock"}


def test_every_row_is_checked_and_the_same_file_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    workspace, again = Workspace(tmp_path / "one"), Workspace(tmp_path / "two")
    summary = run(file, workspace)
    assert (summary.rows, summary.workspace, summary.already) == (60, str(workspace.path), False)
    assert set(files(workspace)) == {
        "import.json",
        "polyrefuse.toml",
        "prompts.parquet",
        "rows.parquet",
        "scores.parquet",
    }
    assert workspace.read_rows().to_pylist() == audit(read_import(file).rows).to_pylist()
    assert "rejected" in workspace.read_rows()["status"].to_pylist()
    run(file, again)
    assert files(again) == files(workspace)
    check(again, progress=False)
    assert files(again) == files(workspace)


def test_bad_input_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "broken.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(SourceError, match=r"broken\.jsonl:1: broken JSON"):
        run(tmp_path / "broken.jsonl", Workspace(tmp_path / "ws"))
    assert not (tmp_path / "ws").exists()


@pytest.fixture
def stopped(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An import that was stopped when two of its six batches were scored."""
    monkeypatch.setattr(batch, "BATCH_ROWS", 10)
    add = scoring.PartialScores.add

    def stop(self: scoring.PartialScores, scores: pa.Table) -> None:
        if sum(1 for _ in self) == 2:
            raise KeyboardInterrupt
        add(self, scores)

    with monkeypatch.context() as patch:
        patch.setattr(scoring.PartialScores, "add", stop)
        with pytest.raises(KeyboardInterrupt):
            run(file, Workspace(tmp_path / "stopped"))
    return Workspace(tmp_path / "stopped")


def test_rows_that_nobody_checked_are_no_rows_of_a_workspace(stopped: Workspace) -> None:
    assert not stopped.rows.exists()
    with pytest.raises(ConfigError, match=r"rows\.parquet does not exist"):
        write_release(stopped, version="1.0.0", out=stopped.path / "rel")


def test_an_import_that_was_stopped_goes_on(
    stopped: Workspace, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(file, Workspace(tmp_path / "undisturbed"))
    anew: list[int] = []
    add = scoring.PartialScores.add
    monkeypatch.setattr(
        scoring.PartialScores, "add", lambda self, scores: (anew.append(scores.num_rows), add(self, scores))[1]
    )
    assert not run(file, stopped).already
    assert sum(anew) == 60 - 20
    assert files(stopped) == files(Workspace(tmp_path / "undisturbed"))


def test_stopped_when_any_of_its_files_was_written_it_ends_in_the_same_bytes(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(file, Workspace(tmp_path / "undisturbed"))
    wanted = files(Workspace(tmp_path / "undisturbed"))
    for number in itertools.count(1):
        workspace = Workspace(tmp_path / f"stopped-{number}")
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", stopping_after(number))
            try:
                run(file, workspace)
            except KeyboardInterrupt:
                rows = pq.read_schema(workspace.rows) if workspace.rows.exists() else None
                assert rows is None or provenance_of(rows) is not None
            else:
                break  # it has no file more
        run(file, workspace)
        assert files(workspace) == wanted, number
    assert number > 4  # import.json, prompts, scores of a batch, scores, rows


def stopping_after(count: int) -> Callable[[Path, Path], Path]:
    """Path.replace, by which files come into place, that ends with an interrupt when it has done so `count` times."""
    move, moved = Path.replace, itertools.count(1)

    def stop(path: Path, target: Path) -> Path:
        done = move(path, target)
        if next(moved) == count:
            raise KeyboardInterrupt
        return done

    return stop


def test_a_config_that_was_edited_meanwhile_is_kept_and_counts(stopped: Workspace, file: Path) -> None:
    edited = stopped.config.read_text(encoding="utf-8") + "\n[quality.thresholds]\nlength_ratio_max = 0.01\n"
    stopped.config.write_text(edited, encoding="utf-8")
    run(file, stopped)
    assert stopped.config.read_text(encoding="utf-8") == edited
    german = [row["status"] for row in stopped.read_rows().to_pylist() if row["language"] == "de"]
    assert set(german) == {"rejected"}
    write_release(stopped, version="1.0.0", out=stopped.path / "rel")


def test_the_same_import_again_changes_nothing(file: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws")
    run(file, workspace)
    sheet = export_review(workspace)
    with sheet.open(encoding="utf-8-sig", newline="") as opened:
        record = next(csv.DictReader(opened))
    with sheet.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(record))
        writer.writeheader()
        writer.writerow({**record, "edit": record["text"] + " Danke.", "reviewer": "ana"})
    import_review(workspace, sheet)
    workspace.checking.mkdir()  # killed when all but this was done
    before = workspace.rows.read_bytes()
    summary = run(file, workspace)
    assert summary.already and summary.to_text().startswith("already imported, nothing changed: 60 rows")
    assert workspace.rows.read_bytes() == before
    assert not workspace.checking.exists()


@pytest.mark.parametrize("other", [{"count": 19}, {"license": "MIT"}, {"label": "harmful"}])
def test_other_rows_are_refused(file: Path, tmp_path: Path, other: dict[str, Any]) -> None:
    workspace = Workspace(tmp_path / "ws")
    run(file, workspace)
    before = files(workspace)
    with pytest.raises(ConfigError, match="already holds other rows: choose another --out"):
        run(write(tmp_path / "other.jsonl", **other), workspace)
    assert files(workspace) == before


def test_the_beginning_of_another_import_is_refused(stopped: Workspace, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in stopped.path.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match="holds another, unfinished import"):
        run(write(tmp_path / "other.jsonl", count=19), stopped)
    assert {path: path.read_bytes() for path in stopped.path.rglob("*") if path.is_file()} == before


def test_rows_that_cannot_be_read_are_said_and_left(file: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws")
    run(file, workspace)
    workspace.rows.write_bytes(b"PAR1")
    with pytest.raises(ConfigError, match=r"rows\.parquet cannot be read .* remove it and run this again"):
        run(file, workspace)
    workspace.rows.unlink()
    assert not run(file, workspace).already
