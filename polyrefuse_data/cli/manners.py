"""What every command has, whoever wrote it: -q/--quiet, -v/--verbose, and a variable for each of its options."""

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
        typer.Option("--quiet", "-q", help="Only errors on stderr.", callback=_quietly, expose_value=False),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Debug messages, and the traceback of an error.",
            callback=_verbosely,
            expose_value=False,
        ),
    ] = False,
) -> None:
    """Here for its options alone."""


def with_manners(command: Any, variable: str) -> Any:
    """Give a command, and all that are below it, what every command has.

    `variable` begins the names of its environment variables: those of `build` begin with POLYREFUSE_BUILD.
    """
    below = getattr(command, "commands", {})
    for name, child in below.items():
        with_manners(child, f"{variable}_{_in_capitals(name)}")
    for option in command.params if not below else ():
        if option.param_type_name == "option":
            option.envvar = f"{variable}_{_in_capitals(max(option.opts, key=len))}"
            option.show_envvar = False  # the help of `polyrefuse` says how they are called
    command.params.extend(_params())
    return command


def _in_capitals(name: str) -> str:
    """`--dry-run` as DRY_RUN."""
    return name.strip("-").replace("-", "_").upper()


def unknown_variables(command: Any) -> dict[str, str | None]:
    """POLYREFUSE_* variables that are set and mean nothing, each with the one that may have been meant."""
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
