"""docs/reference/commands.md: every command with its arguments and options, from the command line itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docs.generators.markdown import MADE, code, table
from polyrefuse_data.cli import command

# Options that every command has are described once, at the top.
_EVERYWHERE = ("--help", "--quiet", "--verbose")

_HEAD = f"""\
# Commands

{MADE}

What all commands share, such as exit codes and environment variables, is described in
[the command line](../command-line.md). Every command has `-h` (`--help`), `-q` (`--quiet`) and `-v` (`--verbose`).
"""


def page() -> str:
    commands = list(_commands(command(), "polyrefuse"))
    overview = table(("command", "what it does"), ((_link(name), _sentence(it)) for name, it in commands))
    return "\n".join([_HEAD, overview, *(_section(name, it) for name, it in commands)])


def _commands(it: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, inner in getattr(it, "commands", {}).items():
        yield from _commands(inner, f"{name} {word}")
    if not hasattr(it, "commands"):
        yield name, it


def _link(name: str) -> str:
    return f"[`{name}`](#{name.replace(' ', '-')})"


def _sentence(it: Any) -> str:
    """The first sentence of a command's help."""
    return f"{it.help.split('. ')[0].rstrip('.')}."


def _section(name: str, it: Any) -> str:
    with it.context_class(it, info_name=name) as context:
        usage = " ".join(it.get_usage(context).removeprefix("Usage: ").split())
        records = [record for it in it.get_params(context) if (record := it.get_help_record(context))]
    rows = ((code(names), said) for names, said in records if not names.endswith(_EVERYWHERE))
    return f"## {name}\n\n{' '.join(it.help.split())}\n\n```text\n{usage}\n```\n\n{table(('option', 'meaning'), rows)}"
