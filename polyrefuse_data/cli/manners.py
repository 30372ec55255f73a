"""What every command shares: -q/--quiet, -v/--verbose, and an environment variable for each option."""

from __future__ import annotations

import os
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any

import typer

from polyrefuse_data.system.verbosity import Verbosity, set_verbosity


def _quietly(asked: bool) -> None:
    if asked:
        set_verbosity(Verbosity.QUIET)


def _verbosely(asked: bool) -> None:
    if asked:
        set_verbosity(Verbosity.VERBOSE)


_options = typer.Typer(add_completion=False)


@_options.command()
def _of_every_command(
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print only errors to stderr.", callback=_quietly, expose_value=False),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Print debug messages and full tracebacks.",
            callback=_verbosely,
            expose_value=False,
        ),
    ] = False,
) -> None:
    """Exists only for its options."""


def with_manners(command: Any, variable: str) -> Any:
    """Add the shared options and variables to a command and all of its subcommands.

    `variable` is the prefix of its environment variables, e.g. POLYREFUSE_BUILD for `build`.
    """
    below = getattr(command, "commands", {})
    for name, child in below.items():
        with_manners(child, f"{variable}_{_in_capitals(name)}")
    for option in command.params if not below else ():
        if option.param_type_name == "option":
            option.envvar = f"{variable}_{_in_capitals(max(option.opts, key=len))}"
            option.show_envvar = False  # `polyrefuse --help` explains their names
    command.params.extend(_params())
    return command


def _in_capitals(name: str) -> str:
    """`--dry-run` as DRY_RUN."""
    return name.strip("-").replace("-", "_").upper()


def unknown_variables(command: Any) -> dict[str, str | None]:
    """POLYREFUSE_* variables that are set but unknown, each with the closest known name, if any."""
    from polyrefuse_data.config import ENVIRONMENT_PREFIX, Config

    known = {"POLYREFUSE_CACHE", *_variables(command)}
    sections = tuple(f"{ENVIRONMENT_PREFIX}{name.upper()}" for name in Config.model_fields)
    unknown = [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX) and name not in known]
    return {
        name: next(iter(get_close_matches(name, [*known, *sections], 1)), None)
        for name in unknown
        if name.split("__")[0] not in sections
    }


def _variables(command: Any) -> Iterator[str]:
    for child in getattr(command, "commands", {}).values():
        yield from _variables(child)
    yield from (option.envvar for option in command.params if option.envvar)


@cache
def _params() -> list[Any]:
    return list(typer.main.get_command(_options).params)
