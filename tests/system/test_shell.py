"""A command that a message tells people to run is copied into a shell as it is, whatever a path contains."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import polyrefuse_data
from polyrefuse_data.system.shell import shell_word
from tests.faults.launcher import Call
from tests.release.conftest import make_rows, make_workspace

AWKWARD = "it's $HOME; 100% `mine` (数据)"
_COMMAND = re.compile(r"\b(?:polyrefuse|hf) [a-z][^`]*")
_PLACE = re.compile("\0(.*?)\0")
_SAFE = {"known.code"}  # checked before: a language tag


@pytest.mark.parametrize("argument", ["ws", "a b", "it's", "$HOME", "`id`", 'say "hi"', "-ws", "--out", "数据", "a;b"])
def test_a_shell_reads_the_word_as_the_argument(argument: str) -> None:
    assert shlex.split(shell_word(Path(argument))) in ([argument], [f"./{argument}"])
    assert not shell_word(argument).startswith("-")


def test_the_next_step_of_a_workspace_can_be_copied(polyrefuse: Call, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / AWKWARD, make_rows(2)).path
    for command in ("check", "report"):
        polyrefuse(command, workspace)
        said = polyrefuse("status", workspace).stdout
        step = re.search(r"^next: (polyrefuse .*)$", said, re.MULTILINE)
        assert step and str(workspace) in shlex.split(step[1]), said


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("build", "-c", f"{AWKWARD}/polyrefuse.toml"), ["polyrefuse", "init", AWKWARD]),
        (("status", AWKWARD), ["polyrefuse", "init", AWKWARD]),
        (("benchmark", "label", "export", AWKWARD), ["polyrefuse", "benchmark", "run", "--out", AWKWARD]),
    ],
)
def test_the_command_in_an_error_can_be_copied(
    polyrefuse: Call, tmp_path: Path, command: tuple[str, ...], expected: list[str]
) -> None:
    done = polyrefuse(*command, cwd=tmp_path)
    assert done.returncode == 2
    assert shlex.join(expected) in done.stderr


def test_every_command_in_the_source_quotes_what_it_is_given() -> None:
    root = Path(polyrefuse_data.__file__).parent
    unquoted = [f"{path.relative_to(root)}: {text}" for path in root.rglob("*.py") for text in _unquoted(path)]
    assert unquoted == []


def _unquoted(path: Path) -> Iterator[str]:
    """The placeholders of commands in f-strings that are no `shell_word(...)`, nor a variable that holds one."""
    tree = ast.parse(path.read_text("utf-8"))
    quoted = {
        ast.unparse(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and "shell_word(" in ast.unparse(node.value)
        for target in node.targets
    }
    names = {name for target in quoted for name in target.strip("()").split(", ")}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for command in _COMMAND.findall(_written(node)):
                for place in _PLACE.findall(command):
                    if not place.startswith("shell_word(") and place not in names | _SAFE:
                        yield f"{{{place}}} in {command.replace(chr(0), '|')}"


def _written(string: ast.JoinedStr) -> str:
    return "".join(
        part.value if isinstance(part, ast.Constant) else f"\0{ast.unparse(part.value)}\0"
        for part in string.values
        if isinstance(part, ast.Constant | ast.FormattedValue)
    )
