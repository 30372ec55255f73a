"""The command line: what it loads, what it prints where, and how it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from polyrefuse_data.cli.options import OUR_FAULT
from tests.faults.launcher import Call


def assert_fails(result: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """One clear message on stderr that holds `words`, the right exit code, no traceback, nothing on stdout."""
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr


def test_the_command_line_loads_no_heavy_library() -> None:
    heavy = "('torch', 'transformers', 'datasets', 'openai', 'pyarrow', 'sklearn', 'matplotlib')"
    program = f"import sys, polyrefuse_data, polyrefuse_data.cli; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_an_unknown_command_is_a_usage_error(polyrefuse: Call) -> None:
    assert_fails(polyrefuse("no-such-command"), 2, "no-such-command")


def test_languages_lists_the_fourteen_as_json(polyrefuse: Call) -> None:
    records = json.loads(polyrefuse("languages", "--json").stdout)
    assert len(records) == 14
    assert {"yo", "zh", "en"} <= {record["code"] for record in records}


def test_sources_names_licence_of_each_public_set(polyrefuse: Call) -> None:
    records = json.loads(polyrefuse("sources", "--json").stdout)
    names = " ".join(record["name"] for record in records)
    for name in ("advbench", "harmbench", "jailbreakbench", "strongreject", "alpaca", "xstest"):
        assert name in names
    assert all(record["license"] for record in records)


def test_init_writes_a_config_that_reads_back_and_never_overwrites(polyrefuse: Call, tmp_path: Path) -> None:
    from polyrefuse_data.config import load_config

    assert polyrefuse("init", tmp_path / "ws").returncode == 0
    config = tmp_path / "ws" / "polyrefuse.toml"
    assert load_config(config).release.name == "my-dataset"
    config.write_text("# mine\n")
    assert_fails(polyrefuse("init", tmp_path / "ws"), 2, "already exists")
    assert config.read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('languages = ["de", "klingon"]', ("languages", "klingon")),
        ("[translation]\nbackend = []", ("translation.backend",)),
        ("languages = [", ("TOML",)),
        ('[[sources]]\nname = "x"\npath = "missing.jsonl"', ("missing.jsonl",)),
    ],
)
def test_a_wrong_config_is_named_by_its_key(
    polyrefuse: Call, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    config = tmp_path / "polyrefuse.toml"
    config.write_text(text)
    assert_fails(polyrefuse("build", "-c", config), 2, *words)
    assert not (tmp_path / "rows.parquet").exists()


def test_a_missing_config_tells_how_to_make_one(polyrefuse: Call, tmp_path: Path) -> None:
    assert_fails(polyrefuse("build", "-c", tmp_path / "polyrefuse.toml"), 2, "polyrefuse init")


@pytest.mark.parametrize("command", ["report", "release"])
def test_a_workspace_without_rows_tells_what_to_run(polyrefuse: Call, tmp_path: Path, command: str) -> None:
    flags = ("--version", "1.0.0", "--out", tmp_path / "rel") if command == "release" else ()
    assert_fails(polyrefuse(command, tmp_path, *flags), 2, "polyrefuse build")
    assert not (tmp_path / "rel").exists()


def test_a_broken_import_leaves_nothing_behind(polyrefuse: Call, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text_en": "Hello", \n')
    assert_fails(polyrefuse("import", file, "--out", tmp_path / "ws"), 2, "rows.jsonl")
    assert not (tmp_path / "ws" / "rows.parquet").exists()


def test_a_missing_release_is_not_a_finding(polyrefuse: Call, tmp_path: Path) -> None:
    assert_fails(polyrefuse("verify", tmp_path / "nothing"), 2, "nothing")


def test_a_missing_model_is_a_missing_prerequisite(polyrefuse: Call, tmp_path: Path) -> None:
    result = polyrefuse("benchmark", "run", "--model", tmp_path / "m", "--dataset", tmp_path, "--out", tmp_path / "run")
    assert result.returncode in (2, 3)
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "run" / "scores.json").exists()


# A process of its own, with a bug in the middle of a command.
_BUG = """
import sys
from polyrefuse_data.cli import main
from polyrefuse_data.pipeline import status
def bug(*_, **__):
    {statement}
status.workspace_status = bug
sys.argv = ["polyrefuse", "status", "."]
main()
"""


@pytest.mark.parametrize(
    ("statement", "raised"),
    [
        ("return {}['a key']", "KeyError: 'a key'"),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two\nlines"),
        ("return bug()", "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_a_bug_ends_with_its_own_exit_code_the_traceback_and_what_to_do(
    tmp_path: Path, statement: str, raised: str
) -> None:
    program = [sys.executable, "-c", _BUG.format(statement=statement)]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (OUR_FAULT, "") and OUR_FAULT == 70
    assert done.stderr.startswith("Traceback (most recent call last):\n") and raised in done.stderr
    assert done.stderr.endswith(
        "\nerror: this is a bug in polyrefuse-data: please report it, with the lines above and the command\n"
    )
