"""What every command has, whoever wrote it: -q/--quiet, -v/--verbose, and a variable for each of its options."""

from __future__ import annotations

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
        with_manners(child, f"{variable}_{name.upper().replace('-', '_')}")
    for option in command.params if not below else ():
        if option.param_type_name == "option":
            option.envvar = f"{variable}_{option.name.upper()}"
            option.show_envvar = False  # the help of `polyrefuse` says how they are called
    command.params.extend(typer.main.get_command(_options).params)
    return command
