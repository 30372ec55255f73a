"""What people who know `git` and `hf` expect of every command."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from polyrefuse_data import __version__
from tests.cli.world import Command, World, commands
from tests.faults.launcher import ROOT

MAIN = [sys.executable, "-m", "polyrefuse_data"]
# As the installed script: completion goes by the name of the program.
SCRIPT = [sys.executable, "-c", "import sys; sys.argv[0] = 'polyrefuse'; from polyrefuse_data.cli import main; main()"]

each_command = pytest.mark.parametrize("command", commands(), ids=str)


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)


def test_help_answers_in_half_a_second() -> None:
    """Of the processor's time, which a busy machine does not stretch; the best of three."""
    taken = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run(*MAIN, "--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(taken) < 0.5


@each_command
def test_each_command_explains_itself(command: Command, world: World) -> None:
    told = world.launcher.run(*command.words, "-h")
    assert told.code == 0
    for option in ("-q, --quiet", "-v, --verbose", "-h, --help"):
        assert option in told.printed


def test_groups_do_too(world: World) -> None:
    for group in {()} | {command.words[:-1] for command in commands()}:
        assert "-q, --quiet" in world.launcher.run(*group, "-h").printed
        assert world.launcher.run("-q", *group, "-v", "-h").code == 0


@pytest.mark.parametrize("command", [command for command in commands() if command.paths], ids=str)
def test_verbose_shows_where_an_error_comes_from(command: Command, world: World) -> None:
    wrong = dict.fromkeys(command.paths, world.folder / "rows.jsonl" / "below")  # nothing can be there
    usual = world.call(command, instead=wrong)
    assert usual.code in (2, 3) and "Traceback" not in usual.printed
    told = world.call(command, "-v", instead=wrong)
    assert told.code == usual.code
    assert "Traceback (most recent call last)" in told.printed
    assert world.without_numbers(told.printed).endswith(world.without_numbers(usual.printed))


def test_verbose_says_what_is_read_and_written(world: World) -> None:
    made = world.new()
    told = world.launcher.run("init", made, "-v").printed
    assert f"DEBUG polyrefuse_data.system.files: wrote {made}/polyrefuse.toml" in told


def test_completion_knows_commands_options_and_languages() -> None:
    def completed(words: str) -> list[str]:
        done = run(*SCRIPT, _POLYREFUSE_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(words.count(" ")))
        return done.stdout.split()

    assert completed("polyrefuse ver") == ["verify"]
    assert completed("polyrefuse release --prev") == ["--previous"]
    assert completed("polyrefuse benchmark run --languages en,d") == ["en,de"]
    # Typer looks which shell calls it; make's `sh` would be one that it does not know.
    shown = run(*SCRIPT, "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1").stdout
    assert "complete -o default -F _polyrefuse_completion polyrefuse" in shown


def test_a_slip_in_a_name_is_told(world: World) -> None:
    assert "Did you mean 'release'?" in run(*MAIN, "relase").stderr
    sheet = world.new("sheet")
    arguments = ["review", "export", str(world.workspace), "--out", str(sheet), "--languages"]
    assert "unknown language 'jp': did you mean ja (Japanese)?" in world.launcher.run(*arguments, "jp").printed
    assert "unknown language 'German': did you mean de (German)?" in world.launcher.run(*arguments, "German").printed
    assert "unknown language 'DE': did you mean de (German)?" in world.launcher.run(*arguments, "de,DE").printed
    assert not sheet.exists()


def test_variables_set_options_and_flags_win(world: World) -> None:
    assert run(*MAIN, "languages", POLYREFUSE_LANGUAGES_JSON="1").stdout.startswith("[")
    config = str(world.workspace / "polyrefuse.toml")
    for more, engine in ([], "a-b"), (["--engine", "c-d"], "c-d"):
        done = run(*MAIN, "build", "-c", config, *more, POLYREFUSE_BUILD_ENGINE="a-b")
        assert done.returncode == 2 and engine in done.stderr


def test_a_variable_that_means_nothing_is_told() -> None:
    done = run(*MAIN, "languages", POLYREFUSE_BUILD_ENGIN="ray", POLYREFUSE_RELEASE__NAME="x", POLYREFUSE_CACHE="y")
    assert done.returncode == 0
    meant = "did you mean POLYREFUSE_BUILD_ENGINE?"
    assert done.stderr == f"warning: POLYREFUSE_BUILD_ENGIN is not a polyrefuse variable: {meant}\n"


def test_the_version_is_told() -> None:
    assert run(*MAIN, "--version").stdout == f"{__version__}\n"


def test_dry_runs_write_nothing(world: World) -> None:
    before = world.state()
    for command in commands():
        if any(parameter.name == "dry_run" for parameter in command.parameters):
            options = [] if command.words in (("publish",), ("benchmark", "run")) else ["--dry-run"]
            ended = world.call(command, *options)
            assert ended.code == 0, ended.printed
            assert world.state() == before, command
