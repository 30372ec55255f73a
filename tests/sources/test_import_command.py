"""`polyrefuse import` as people run it: exit codes, streams, and what is left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polyrefuse_data.config import load_config
from polyrefuse_data.pipeline.importing import import_path
from polyrefuse_data.system.files import read_table
from polyrefuse_data.workspace import Workspace
from tests.faults.launcher import Call


def test_an_import_is_checked_and_summed_up_as_json(polyrefuse: Call, tmp_path: Path) -> None:
    common = {"text_en": "Name three fruits that grow on trees.", "label": "harmless", "split": "test"}
    records = [
        {**common, "language": "de", "text": "Nenne drei Früchte, die auf Bäumen wachsen."},
        {**common, "language": "fr", "text": common["text_en"]},  # not French
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    done = polyrefuse("import", path, "--out", tmp_path / "ws", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 3
    rows = {row["language"]: row for row in read_table(Workspace(tmp_path / "ws").rows, "").to_pylist()}
    assert (rows["de"]["status"], rows["fr"]["status"]) == ("accepted", "rejected")
    assert "language_id" in rows["fr"]["flags"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.jsonl", None, "none.jsonl does not exist"),
        ("broken.json", "[{", "broken.json: broken JSON at column 3"),
    ],
)
def test_bad_input_is_one_message_exit_2_and_no_workspace(
    polyrefuse: Call, tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    done = polyrefuse("import", tmp_path / name, "--out", tmp_path / "ws")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "ws").exists()


def test_an_unreachable_public_set_is_exit_3_with_the_mend(polyrefuse: Call, tmp_path: Path) -> None:
    config = tmp_path / "polyrefuse.toml"
    config.write_text('languages = ["de"]\n[[sources]]\nname = "xstest"\n', encoding="utf-8")
    done = polyrefuse("build", "-c", config, HF_HUB_OFFLINE="1", POLYREFUSE_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 3
    assert "HF_HUB_OFFLINE is set: run this once online, or put the file at" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["polyrefuse.toml"]


def test_the_config_of_an_import_holds_any_name_as_it_is(tmp_path: Path) -> None:
    """Emoji, quotes and control characters in names of sources, and a file name that looks like a section."""
    source, license = '🙂 "quoted" \\ \x7f\u202e\x1b\n[release]\nname = "forged"', "CC-BY 🄯"
    record = {"language": "de", "text": "Wer?", "text_en": "Who?", "label": "harmful", "split": "test"}
    path = tmp_path / 'set\n[release]\nname = "forged".jsonl'
    path.write_text(json.dumps({**record, "source": source, "license": license}) + "\n", encoding="utf-8")
    workspace = Workspace(tmp_path / "ws")
    import_path(path, workspace)
    config = load_config(workspace.config)
    assert [(known.name, known.license) for known in config.sources] == [(source, license)]
    assert config.release.name == "set-release-name-forged"


def test_a_dry_run_says_what_it_would_do(polyrefuse: Call, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("English,German\nName a fruit.,Nenne eine Frucht.\n", encoding="utf-8")
    done = polyrefuse("import", path, "--out", tmp_path / "ws", "--label", "harmless", "--dry-run")
    assert done.stdout.startswith("would import 2 rows of 1 English prompt in 2 languages (en de)")
    assert not (tmp_path / "ws").exists()


def test_a_file_of_one_language_is_imported(polyrefuse: Call, tmp_path: Path) -> None:
    path = tmp_path / "mt.csv"
    path.write_text("source;target\nName a fruit.;Nenne eine Frucht.\n", encoding="utf-8")
    options = ("--language", "de", "--columns", "text=target,text_en=source", "--label", "harmless")
    assert polyrefuse("import", path, "--out", tmp_path / "ws", *options).returncode == 0
    assert read_table(Workspace(tmp_path / "ws").rows, "")["language"].to_pylist() == ["de", "en"]
