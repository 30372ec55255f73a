"""The errors that users see: what is wrong, where, and how to fix it. Each class has an exit code."""

from polyrefuse_data.system.redaction import redact
from polyrefuse_data.text.printable import LONGEST_LINE, printable, printable_line


def readable(text: str) -> str:
    """A message that is safe to print, whatever a file or server put into it: no secrets, no control characters, no
    endless lines."""
    lines = [line for line in printable(redact(text), keep="\n").split("\n") if line.strip()]
    return "\n".join(printable_line(line, LONGEST_LINE) for line in lines)


class PolyrefuseError(Exception):
    """Base class of every error that this package raises on purpose.

    `exit_code` is what the command line exits with: 1 a check found something, 2 usage or config,
    3 a backend, extra, model or credential is missing, 4 stopped part-way (run again to resume).
    """

    exit_code = 2

    def __str__(self) -> str:
        return readable(super().__str__())


class ConfigError(PolyrefuseError):
    """A config file, flag or argument is wrong; the message names the key and the allowed values."""


class PluginError(PolyrefuseError):
    """A plug-in cannot be loaded, or fails; the message names it, and where it failed."""


class MissingPrerequisite(PolyrefuseError):
    """An extra, program, model or credential is missing; the message contains the exact command that fixes it."""

    exit_code = 3


class SourceError(PolyrefuseError):
    """A prompt source or an imported file cannot be read or does not match its checksum."""


class TranslationError(PolyrefuseError):
    """A translation backend as a whole cannot continue. (A single row that fails is a rejected row instead.)"""

    exit_code = 4


class EndpointError(PolyrefuseError):
    """An API has stopped answering (no credit, a wait of hours, only errors); earlier answers are kept."""

    exit_code = 4


class EngineError(PolyrefuseError):
    """Workers died and could not be replaced; finished work is kept."""

    exit_code = 4


class DiskError(PolyrefuseError):
    """A disk is full or fails; files written before are complete."""

    exit_code = 4


class MachineError(PolyrefuseError):
    """The machine has run out of memory or open files; finished work is kept."""

    exit_code = 4


class ReleaseError(PolyrefuseError):
    """A release cannot be written, loaded or published."""


class ModelError(PolyrefuseError):
    """A model folder or checkpoint cannot be used as asked (no chat template, unknown structure, unknown code)."""

    exit_code = 3
