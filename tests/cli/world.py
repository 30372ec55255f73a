"""Every command there is, found in the command line itself, with arguments that it can do something with.

A new command is found by itself. A new parameter that it cannot go without needs a value in `_values`; a name that
stands for a path, and is no `Path`, a place in `NAMES_OF_PATHS`.
"""

from __future__ import annotations

import inspect
import itertools
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from polyrefuse_data import load_release
from polyrefuse_data.cli import command
from polyrefuse_data.demo.bundled import CHAT, bundled_model
from tests.faults.launcher import Ended, Launcher
from tests.faults.worlds import make_build

# What takes long, or the network, is only planned where nothing is wrong with it. The demo would make half a minute of
# everything: it gets no folder.
ONLY_PLANNED = {("benchmark", "run"): ["--dry-run"], ("publish",): ["--dry-run"]}
# Options that are given although the command line can do without: their defaults are places in the folder that a test
# runs in, or a file says them.
ALWAYS_GIVEN = {("build",): {"config"}, ("publish",): {"repo_id"}, ("benchmark", "run"): {"model", "dataset"}}
# Arguments that may be paths, but are typed as text.
NAMES_OF_PATHS = {"where", "old", "new", "model", "dataset"}
# And those of them that are none in some command, or come after a file that no test here can make.
ONLY_NAMES = {("benchmark", "judge"): {"model"}, ("monitor", "score"): {"model"}}


@dataclass(frozen=True)
class Command:
    """One command: its words, the parameters that it has, and those of them that take a path."""

    words: tuple[str, ...]
    parameters: tuple[Any, ...]
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


def commands() -> list[Command]:
    """Every command that does something, in the order of the help."""
    return list(_below(command(), ()))


def _below(found: Any, words: tuple[str, ...]) -> Iterator[Command]:
    if not hasattr(found, "commands"):
        types = get_type_hints(inspect.unwrap(found.callback))
        named = NAMES_OF_PATHS - ONLY_NAMES.get(words, set())
        paths = [name for name, kind in types.items() if "Path" in str(kind) or name in named]
        yield Command(words, tuple(found.params), tuple(paths))
        return
    for name, child in found.commands.items():
        yield from _below(child, (*words, name))


class World:
    """A folder with a workspace, a release, a run, a review, and whatever else commands ask for."""

    def __init__(self, folder: Path, launcher: Launcher) -> None:
        self.folder, self.launcher = folder, launcher
        self.workspace, self.release, self.run = folder / "ws", folder / "release", folder / "run"
        self.pack = str(folder / "pack")
        self.sheet = self.workspace / "review" / "review.csv"
        self.label_sheet = self.run / "labels" / "labels.csv"
        self._numbers = itertools.count()
        config = make_build(self.workspace)
        self._must("build", "-c", config)
        self._must("report", self.workspace)
        self._must("review", "export", self.workspace)
        self._must("release", self.workspace, "--version", "1.0.0", "--out", self.release)
        self._must(
            "benchmark", "run", "--model", bundled_model(CHAT), "--dataset", self.release, "--out", self.run,
            "--languages", "en", "--limit", 1, "--max-new-tokens", 2, "--max-kl", 50,
        )  # fmt: skip
        self._must("benchmark", "label", "export", self.run)
        prompts = load_release(self.release)["test"]
        replies = [{"id": row["id"], "language": row["language"], "reply": "Sure."} for row in prompts]
        (folder / "replies.jsonl").write_text("".join(json.dumps(reply) + "\n" for reply in replies))
        rows = [{"id": "x", "language": "de", "text": "Wie geht es?", "text_en": "How are you?", "label": "harmless"}]
        self._must("languages", "--new", "de", self.pack)
        (folder / "upstream").mkdir()
        (folder / "upstream" / "harmful_val_translated_de.json").write_text('[{"instruction": "Wie geht es?"}]')
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def arguments(self, command: Command, **instead: object) -> list[str]:
        """A command line with a value for everything that the command needs, and for all in `instead`."""
        found, given = list(command.words), {"out", *ALWAYS_GIVEN.get(command.words, ()), *instead}
        for parameter in command.parameters:
            if parameter.required or parameter.name in given:
                value = str(instead.get(parameter.name) or self._value(command, parameter.name))
                if parameter.param_type_name == "option":
                    found.append(max(parameter.opts, key=len))
                found += [*[self.pack if parameter.name == "fit" else "de"] * (parameter.nargs - 1), value]
        return found if instead else found + ONLY_PLANNED.get(command.words, [])

    def call(self, command: Command, *options: str, instead: dict[str, object] | None = None, **how: Any) -> Ended:
        """Run the command, with other values for some parameters; `how` is the launcher's."""
        return self.launcher.run(*self.arguments(command, **instead or {}), *options, **how)

    def new(self, name: str = "out") -> Path:
        """A path where nothing is yet."""
        return self.folder / f"{name}-{next(self._numbers)}"

    def without_numbers(self, text: str) -> str:
        """What was printed, without what makes the paths of two calls differ."""
        return re.sub(rf"({re.escape(str(self.folder))}/\w+)-\d+", r"\1", text)

    def state(self) -> dict[str, bytes]:
        """Every file, and what it holds, but locks, logs, and what the backend of the build was asked."""
        passing = {".lock", "log.txt", "asked.txt"}
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name not in passing]
        return {str(path): path.read_bytes() for path in files}

    def copy_of_workspace(self) -> Path:
        return Path(shutil.copytree(self.workspace, self.new("ws")))

    def _value(self, command: Command, name: str) -> object:
        if command.words == ("demo",):
            return self.folder / "rows.jsonl"  # a file in the place of its folder
        values = {
            "workspace": self.workspace,
            "folder": self.release if command.words == ("publish",) else self.new(),
            "config": self.workspace / "polyrefuse.toml",
            "file": self.label_sheet if command.words[0] == "benchmark" else self.sheet,
            "path": self.folder / "rows.jsonl",
            "run": self.run,
            "runs": self.run,
            "replies": self.folder / "replies.jsonl",
            "model": bundled_model(CHAT),
            "repo_id": "org/name",
            "dataset_id": "org/name",
            "prompts": self.folder / "rows.jsonl",
            "scores": self.folder / "rows.jsonl",
            "harness": "lm-eval",
            "version": "1.0.0",
            "out": self.new(),
        }
        if name in ("where", "old", "new", "dataset"):
            return self.release
        if name not in values:
            pytest.fail(f"`polyrefuse {command}` needs {name}: say in {__file__} what a test can give it")
        return values[name]

    def _must(self, *arguments: object) -> None:
        done = self.launcher.run(*arguments)
        assert done.code == 0, done.printed
