"""The `polyrefuse` command: one thin file per group of commands, no logic.

Data goes to stdout, progress and messages to stderr. Exit codes: 0 done, 1 a check found something, 2 usage or config,
3 a backend, extra, model or credential is missing, 4 stopped part-way (run again to resume), 70 a fault of this
package. Heavy libraries are imported by the rooms when a command needs them.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import Annotated, Any

import typer

from polyrefuse_data import __version__
from polyrefuse_data.cli import benchmark, checking, demo, making, monitor, releasing
from polyrefuse_data.cli.manners import unknown_variables, with_manners
from polyrefuse_data.cli.options import OUR_FAULT, STOPPED_PART_WAY
from polyrefuse_data.errors import PolyrefuseError
from polyrefuse_data.system.disk import disk_error
from polyrefuse_data.system.extras import missing_extra
from polyrefuse_data.system.machine_faults import machine_fault, sound_file
from polyrefuse_data.system.signals import Stopped, is_stopping, stop_on_signals, tell_stopped
from polyrefuse_data.system.streams import lost_output, take_over_streams
from polyrefuse_data.system.verbosity import Verbosity, set_verbosity, verbosity

_logger = logging.getLogger(__name__)

app = typer.Typer(
    name="polyrefuse",
    help="Build, check, version and publish a multilingual safety dataset, and measure refusal in chat models on it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    # color: otherwise click strips from a pipe what our own streams decide on.
    context_settings={"help_option_names": ["-h", "--help"], "color": True},
    epilog="Every option has an environment variable: POLYREFUSE_BUILD_ENGINE=ray means `build --engine ray`. "
    "POLYREFUSE_RELEASE__NAME=x sets a key of polyrefuse.toml ([release] name).",
)
for group in (demo, making, checking, releasing, benchmark, monitor):
    app.add_typer(group.app)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if any(name.startswith("POLYREFUSE_") for name in os.environ):
        for name, meant in unknown_variables(context.command).items():
            _logger.warning("%s is not a polyrefuse variable%s", name, f": did you mean {meant}?" if meant else "")


def command() -> Any:
    """The whole command line, to call or to inspect."""
    return with_manners(typer.main.get_command(app), "POLYREFUSE")


def main() -> None:
    """Entry point. Signals, this package's errors and machine faults end as one line and an exit code; a bug with a
    traceback, and a code that no result has."""
    take_over_streams()
    set_verbosity(Verbosity.NORMAL)
    stop_on_signals()
    code = _run()
    lost = lost_output()
    if lost is not None:  # the output is incomplete, whatever else happened
        _tell(disk_error(lost, "stdout") or f"cannot write to stdout ({lost.strerror}); run the same command again")
        code = STOPPED_PART_WAY
    sys.exit(code)


def _run() -> int:
    """Run the command that the arguments name, and return the exit code."""
    try:
        command()()
    except Stopped:
        tell_stopped()
        raise
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:
        if is_stopping():
            tell_stopped()
            raise Stopped from error
        told = disk_error(error) or missing_extra(error, "this command") or sound_file(error) or error
        if not isinstance(told, PolyrefuseError):
            told = machine_fault(error) or error
        if not isinstance(told, PolyrefuseError):
            traceback.print_exc()
            _tell("this is a bug in polyrefuse-data: please report it, with the lines above and the command")
            return OUR_FAULT
        if verbosity() == Verbosity.VERBOSE:
            traceback.print_exc()
        _tell(told)
        return told.exit_code
    return 0


def _tell(error: object) -> None:
    message = str(error).replace("\n", "\n  ")  # so that no line of it looks like another message
    typer.echo(f"error: {message}", err=True, color=True)
