"""Pipes, devices and sockets in the place of files: each command ends at once, with one message that says so."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.world import Command, World, commands
from tests.faults.launcher import Ended
from tests.faults.test_kills import KILLS

# `make faults` tries every command with every kind of file in every place, `make test` with some of them.
EVERYTHING = KILLS >= 50
MOST_SECONDS = 60  # that a hanging command gets on a busy machine; the longest that ends takes two


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def listening_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # the system takes short names of sockets only
        try:
            server.bind(path.name)
        finally:
            os.chdir(here)


KINDS: list[Callable[[Path], None]] = [pipe, device, listening_socket]


def ends(command: Command, world: World, **instead: object) -> Ended:
    ended = world.call(command, instead=instead, at_most=MOST_SECONDS)
    assert ended.code >= 0, f"it hangs: {ended.printed}"
    assert "Traceback" not in ended.printed
    return ended


@pytest.mark.parametrize(
    ("command", "parameter"), [(c, name) for c in commands() for name in c.paths], ids=lambda value: str(value)
)
def test_given_as_an_argument(command: Command, parameter: str, world: World) -> None:
    turn = len(str(command) + parameter) % len(KINDS)
    for make in KINDS if EVERYTHING else KINDS[turn : turn + 1]:
        path = world.new("special")
        path = path.with_suffix(".jsonl")  # what an import looks at first
        make(path)
        others = {"path": world.folder / "upstream"} if parameter == "english" else {}
        ended = ends(command, world, **{parameter: path}, **others)
        assert ended.code in (2, 3), (make.__name__, ended.printed)
        (line,) = [line for line in ended.printed.splitlines() if line.startswith("error: ")]
        assert str(path) in line, make.__name__
        assert path.exists() and not path.is_file()  # nothing took its place


@pytest.mark.parametrize("command", [c for c in commands() if "workspace" in c.paths or "config" in c.paths], ids=str)
def test_in_a_workspace(command: Command, world: World) -> None:
    of_its_own = {"en.json", "de.json", "es.json", "program.py", "asked.txt", ".lock"}  # what it was made with
    files = {path.relative_to(world.workspace) for path in world.workspace.rglob("*") if path.is_file()}
    more = {"import.json", "scores.parquet", "shards/000000.json"}
    names = sorted({str(file) for file in files} - of_its_own | more)
    step = 1 if EVERYTHING else 5
    for name in names[len(command.words[-1]) % step :: step]:
        workspace = world.copy_of_workspace()
        (workspace / name).unlink(missing_ok=True)
        (workspace / name).parent.mkdir(exist_ok=True)
        pipe(workspace / name)
        given = {"workspace": workspace} if "workspace" in command.paths else {"config": workspace / "polyrefuse.toml"}
        assert ends(command, world, **given).code in (0, 2, 3, 4), name
        shutil.rmtree(workspace)


@pytest.mark.parametrize(
    "command", [c for c in commands() if {"run", "runs"} & set(c.paths) or c.words[-1] == "run"], ids=str
)
def test_in_a_run(command: Command, world: World) -> None:
    parameter = next((name for name in ("runs", "run") if name in command.paths), "out")
    for name in ("run.json", "scores.json", "completions/baseline/en.parquet", "figures", "labels/sample.json"):
        run = Path(shutil.copytree(world.run, world.new("run")))
        shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink(missing_ok=True)
        pipe(run / name)
        assert ends(command, world, **{parameter: run}).code in (0, 2), name


def test_a_shell_s_process_substitution_is_told_to_be_one(world: World) -> None:
    (build,) = [command for command in commands() if command.words == ("build",)]
    reader, writer = os.pipe()
    path = world.new("special")
    path.symlink_to(f"/proc/{os.getpid()}/fd/{reader}")
    ended = ends(build, world, config=path)
    assert "it is a pipe, not a regular file: save its output to a file first" in ended.printed
    os.close(reader)
    os.close(writer)


def test_prompts_behind_a_link_are_read(world: World) -> None:
    (import_,) = [command for command in commands() if command.words == ("import",)]
    link = world.new("link").with_suffix(".jsonl")
    link.symlink_to(world.folder / "rows.jsonl")
    assert ends(import_, world, path=link).code == 0


@pytest.mark.parametrize("command", [c for c in commands() if c.words == ("build",)], ids=str)
@pytest.mark.parametrize("place", ["prompts", "memory", "model"])
def test_named_in_a_config(command: Command, place: str, world: World) -> None:
    folder = world.new("config")
    folder.mkdir()
    (folder / "prompts.jsonl").write_text('{"text": "Hello there", "label": "harmless"}\n')
    backend = '{ engine = "memory", paths = ["memory.jsonl"] }'
    (folder / "memory.jsonl").write_text('{"en": "Hello there", "de": "Hallo"}\n')
    if place == "model":
        model = folder / "model"
        model.mkdir()
        (model / "config.json").write_text('{"model_type": "m2m_100"}')
        pipe(model / "model.safetensors")
        special = model / "model.safetensors"
        backend = '{ engine = "nllb", model = "./model", runtime = "transformers" }'
    else:
        special = folder / f"{place}.jsonl"
        special.unlink()
        pipe(special)
    config = folder / "polyrefuse.toml"
    config.write_text(
        f'languages = ["de"]\n[[sources]]\nname = "x"\npath = "prompts.jsonl"\n[translation]\nbackends = [{backend}]\n'
    )
    ended = ends(command, world, config=config)
    assert ended.code in (2, 3), ended.printed
    assert f"{special}" in ended.printed and "it is a pipe" in ended.printed
