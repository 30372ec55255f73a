"""Exit codes, and the arguments and options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

CHECK_FOUND_SOMETHING = 1
STOPPED_PART_WAY = 4
OUR_FAULT = 70  # EX_SOFTWARE of sysexits.h. Python's own code for a traceback is 1, which would read as a finding

WorkspaceArgument = Annotated[Path, typer.Argument(help="Workspace folder, from build or import.")]
ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The build's polyrefuse.toml.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
SeedOption = Annotated[int, typer.Option(help="Another seed draws another sample.")]
StrataOption = Annotated[
    str, typer.Option(metavar="STRATA", help="Draw equally by: verdict, flag, p_good (in tenths) or source.")
]


def complete_languages(incomplete: str) -> list[str]:
    """Shell completion: the list typed so far, with each code that can follow."""
    from polyrefuse_data.languages import LANGUAGES

    before, comma, begun = incomplete.rpartition(",")
    return [f"{before}{comma}{code}" for code in LANGUAGES if code.startswith(begun)]


LanguagesOption = Annotated[
    str | None,
    typer.Option("--languages", help="Comma-separated languages.", autocompletion=complete_languages),
]


def codes(text: str | None) -> list[str] | None:
    """The codes of a comma-separated list of languages. Raises ConfigError for an unknown one."""
    from polyrefuse_data.languages import language_codes

    return language_codes(text) if text is not None else None


def pairs(entries: Iterable[str] | None, option: str) -> dict[str, str]:
    """The entries `NAME=VALUE` of a repeatable option; several in one, parted by commas, work too.

    Raises ConfigError for one that is none, and for a name given twice.
    """
    from polyrefuse_data.errors import ConfigError

    found: dict[str, str] = {}
    for entry in entries or ():
        for pair in re.split(r",(?=[^,=]+=)", entry):
            name, _, value = pair.partition("=")
            if not (name and value):
                raise ConfigError(f"{option} {pair!r}: write NAME=VALUE")
            if name in found:
                raise ConfigError(f"{option}: {name} twice, as {found[name]} and {value}")
            found[name] = value
    return found
