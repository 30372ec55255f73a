"""Scores of a user's program: real processes, one number a row, kept like all scores, and every fault named."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.errors import ConfigError, MissingPrerequisite, PluginError
from polyrefuse_data.quality import audit, check, signature
from polyrefuse_data.quality.auditing import audit_rows
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace
from tests.quality.tables import ENGLISH, GERMAN, make_table

LENGTHS = """
import json, pathlib, sys
pathlib.Path(__file__).with_suffix(".ran").open("a").write("x")
for line in sys.stdin:
    row = json.loads(line)
    print("null" if row["back_translation"] else len(row["text"]) / len(row["text_en"]))
"""
ROWS = (
    {"text": GERMAN, "text_en": ENGLISH},
    {"text": "Nennen\u2028Sie \U0001f600 drei.", "text_en": "Name three."},
    {"text": GERMAN, "text_en": ENGLISH, "back_translation": ENGLISH},
    {"language": "en", "text": ENGLISH, "text_en": ENGLISH},
)


def config(folder: Path, program: str = LENGTHS, **bound: Any) -> dict[str, Any]:
    script = folder / "score.py"
    script.write_text(program)
    return {"scores": {"kiwi": {"command": [sys.executable, str(script)], "at_least": 1.2, **bound}}}


def test_a_program_scores_each_translation_and_its_bound_decides(tmp_path: Path) -> None:
    settings = config(tmp_path)
    scores = audit_rows(make_table(*ROWS), settings)[1]["kiwi"].to_pylist()
    assert scores == [len(GERMAN) / len(ENGLISH), len(ROWS[1]["text"]) / len("Name three."), None, None]
    flags = audit(make_table(*ROWS), settings)["flags"].to_pylist()
    assert ["kiwi" in row for row in flags] == [score is not None and score < 1.2 for score in scores]


def test_its_scores_are_kept_and_the_signature_tells_no_path(tmp_path: Path) -> None:
    folder = Workspace(tmp_path / "ws")
    write_table(make_table(*ROWS), folder.rows)
    settings = config(tmp_path)
    assert check(folder, settings, progress=False).scored == len(ROWS)
    assert check(folder, config(tmp_path, at_least=0.1), progress=False).scored == 0
    assert (tmp_path / "score.ran").read_text() == "x"
    assert "kiwi:1[program-" in signature(settings) and str(tmp_path) not in signature(settings)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise SystemExit('no model here')", r"exit code 1: no model here"),
        ("print(1)", "printed 1 line for 3 rows"),
        ("for _ in range(3): print('good')", "printed 'good': print a number"),
        ("import time; time.sleep(60)", "still running after 0.5 seconds"),
    ],
)
def test_a_fault_of_the_program_is_named(tmp_path: Path, program: str, said: str) -> None:
    with pytest.raises(PluginError, match=said) as error:
        audit(make_table(*ROWS), config(tmp_path, program, timeout_seconds=0.5 if "sleep" in program else 60))
    assert str(error.value).startswith("quality.scores.kiwi.command: ")


def test_a_program_that_is_not_there_and_a_name_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(MissingPrerequisite, match="no-such-program is not on the PATH"):
        audit(make_table(*ROWS), {"scores": {"kiwi": {"command": ["no-such-program"], "at_least": 1}}})
    with pytest.raises(ConfigError, match="the name text is taken"):
        signature({"scores": {"text": {"command": ["true"], "at_least": 1}}})
