"""The `polyrefuse` command: thin, one file a group of commands, no logic.

Data goes to stdout, progress and messages to stderr. Exit codes: 0 done, 1 a check found something, 2 usage or config,
3 a backend, extra, model or credential is missing, 4 stopped part-way (run again to resume). Heavy libraries are
imported by the rooms when a command needs them.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from polyrefuse_data import __version__
from polyrefuse_data.cli import benchmark, checking, demo, making, releasing
from polyrefuse_data.errors import PolyrefuseError
from polyrefuse_data.system.disk import disk_error
from polyrefuse_data.system.redaction import redact_standard_streams
from polyrefuse_data.system.signals import Stopped, is_stopping, stop_on_signals, tell_stopped

app = typer.Typer(
    name="polyrefuse",
    help="Build, check, version and publish a multilingual safety dataset, and measure refusal in chat models on it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"color": True},  # click would cut out of a pipe what our streams show
)
for group in (demo, making, checking, releasing, benchmark):
    app.add_typer(group.app)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Entry point: signals, errors of this package and faults of the machine become one line and an exit code."""
    redact_standard_streams()
    stop_on_signals()
    try:
        app()
    except Stopped:
        tell_stopped()
        raise
    except BrokenPipeError:  # the reader of our stdout went away (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if is_stopping():
            tell_stopped()
            raise Stopped from error
        told = disk_error(error) or error
        if not isinstance(told, PolyrefuseError):
            raise
        message = str(told).replace("\n", "\n  ")  # no line of it can pass for another message
        typer.echo(f"error: {message}", err=True, color=True)
        sys.exit(told.exit_code)
