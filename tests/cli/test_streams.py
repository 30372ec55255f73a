"""No exit code depends on where output goes: each command with its streams closed, full, or without a reader."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cases import every_second
from tests.cli.world import Command, World, commands
from tests.faults.launcher import CLOSED, GONE, ROOT

FULL = "/dev/full"
SAID = "error: stdout: the disk is full; free some space and run the same command again\n"
MAIN = [sys.executable, "-m", "polyrefuse_data.cli"]


@pytest.mark.parametrize("command", every_second(commands()), ids=str)
def test_an_exit_code_is_the_same_wherever_output_goes(command: Command, world: World) -> None:
    """But where a full disk takes no JSON: that is what the command is called for. And stdout is the same, however much
    is said on stderr."""
    options = ["--json"] if any(parameter.name == "as_json" for parameter in command.parameters) else []
    output = world.new("stdout")
    output.touch()
    usual = world.call(command, *options, stdout=output)
    assert "Traceback" not in usual.printed
    quietly = world.new("stdout")
    quietly.touch()
    quiet = world.call(command, *options, "-q", stdout=quietly)
    assert quiet.code == usual.code
    assert [line for line in quiet.printed.splitlines() if not line.startswith("error: ")] == []
    assert world.without_numbers(quietly.read_text()) == world.without_numbers(output.read_text())
    assert world.call(command, *options, stdout=CLOSED).printed == usual.printed
    assert world.call(command, *options, stdout=GONE, stderr=CLOSED).code == usual.code
    full = world.call(command, *options, stdout=FULL)
    if output.read_text():
        assert not options or json.loads(output.read_text())
        assert full.code == 4
        assert full.printed.endswith(
            "error: stdout: the disk is full; free some space and run the same command again\n"
        )
    else:
        assert (full.code, full.printed) == (usual.code, usual.printed)


def test_what_is_made_is_made_though_a_full_disk_does_not_take_its_name(world: World) -> None:
    (release,) = [command for command in commands() if command.words == ("release",)]
    ended = world.call(release, stdout=FULL)
    assert world.call(release, stdout=FULL, stderr=FULL).code == 0
    assert ended.code == 0
    assert "warning: cannot write to stdout (No space left on device); the work itself is done" in ended.printed
    quiet = world.call(release, "-q", stdout=FULL)
    assert (quiet.code, quiet.printed) == (0, "")


def test_a_finding_is_one_without_a_reader_too(world: World) -> None:
    """`polyrefuse verify RELEASE | head -0`."""
    (verify,) = [command for command in commands() if command.words == ("verify",)]
    release = world.new("release")
    subprocess.run(["cp", "-r", world.release, release], check=True)
    (release / "README.md").write_text("other")
    for where in (None, CLOSED, GONE, FULL):
        assert world.call(verify, instead={"where": release}, stdout=where).code == 1, where


def test_streams_that_a_shell_closes(world: World, tmp_path: Path) -> None:
    """Python finds no stream then, and gives its number to the next file: into which nothing may be printed."""
    sheet = tmp_path / "sheet.csv"
    export = ["review", "export", str(world.workspace), "--out", str(sheet)]
    whole = subprocess.run([*MAIN, *export], cwd=ROOT, capture_output=True, check=True)
    assert whole.stdout.decode() == f"{sheet}\n"
    content = sheet.read_bytes()
    for closed in (">&-", "<&- >&- 2>&-"):
        sheet.unlink()
        shell = ["bash", "-c", f'"$@" {closed}', "bash"]
        done = subprocess.run([*shell, *MAIN, *export], cwd=ROOT, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), closed
        assert sheet.read_bytes() == content, closed


def test_a_pipe_into_head(tmp_path: Path) -> None:
    script = f'{" ".join(MAIN)} languages --all --json | head -n 1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[\n0\n", "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_stdout_will_do(encoding: str, tmp_path: Path) -> None:
    """Also where a name is no text at all."""
    folder = bytes(tmp_path) + b"/caf\xe9"
    environment = {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    arguments = [*map(str.encode, MAIN), b"init", folder]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == bytes(tmp_path) + rb"/caf\udce9/polyrefuse.toml" + b"\n"


def test_secrets_are_masked_in_any_encoding(tmp_path: Path) -> None:
    done = subprocess.run(
        [*MAIN, "init", tmp_path / "very-secret-value"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PYTHONIOENCODING": "ascii", "MY_API_KEY": "very-secret-value", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == f"{tmp_path}/***/polyrefuse.toml\n"
